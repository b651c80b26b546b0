"""``perfkit report --trend``: every series of the history at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.cli.anonymity import project_anonymizer
from perfkit.cli.output import terminal_width, write
from perfkit.cli.since import since_s
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS
from perfkit.report.destination import write_whole
from perfkit.report.exporter import Format

if TYPE_CHECKING:
    from pathlib import Path


def show_trend(form: Format, output: Path | None, metric: str | None, since: str | None, *, anonymize: bool) -> int:
    """Write the report to `output`, None: to standard output. Raises UserError."""
    # The history's libraries are for this alone.
    from perfkit.history.database import open_existing_history
    from perfkit.history.overview import read_overview
    from perfkit.history.series import find_series
    from perfkit.report.trend.exporter import TrendReport, load_trend_exporter

    exporter, start_s = load_trend_exporter(form), since_s(since)
    with open_existing_history(DEFAULT_RESULTS) as history, history.reading() as connection:
        overview = read_overview(connection, find_series(connection, "*", metric), start_s)
    if not overview.series:
        raise UserError(f"the history has nothing since {since}; leave out --since to see what there is")
    asked = metric or "what each case is judged by"
    report = TrendReport(overview, f"{asked}, since {since}" if since else asked)
    if anonymize:
        anonymizer = project_anonymizer()
        anonymizer.learn(report)
        report = anonymizer.of(report)
    if output is not None:
        write_whole(output, exporter(report))
    elif form is Format.TERMINAL:
        from perfkit.report.trend.terminal import render

        write(render(report, terminal_width()) + "\n")
    else:
        write(exporter(report).decode())
    return ExitCode.PASS
