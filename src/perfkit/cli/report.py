"""``perfkit report``: show a run, for people, a CI or another tool; never a gate."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.anonymity import AnonymizeOption, project_anonymizer
from perfkit.cli.output import Format as ShownFormat
from perfkit.cli.output import JsonFormatOption, Quiet, Verbose, judged_here, project_waivers, show, write
from perfkit.cli.report_trend import show_trend
from perfkit.cli.since import SinceOption
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, load_baseline
from perfkit.record.details import baseline_details, read_details
from perfkit.report.destination import check_writable, write_whole
from perfkit.report.exporter import BINARY, DETAILED, PAST, Format, Report, load_exporter
from perfkit.report.gaps import read_what_is_there, with_gaps
from perfkit.report.past import Past, read_past
from perfkit.report.text import printable
from perfkit.tell import tell


def report(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RUN", help="Run files or folders: the replicates of one run."),
    ] = None,
    *,
    baseline: Annotated[
        str,
        typer.Option(help="auto: results/baselines/ has it for this hardware; none; git:REF; or a path."),
    ] = AUTO,
    form: Annotated[
        Format, typer.Option("--format", metavar="FORMAT", help=f"How to show it: {', '.join(Format)}.")
    ] = Format.TERMINAL,
    as_json: JsonFormatOption = False,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    trend: Annotated[
        bool, typer.Option("--trend", help="Show the history instead of a run: terminal, markdown or html.")
    ] = False,
    metric: Annotated[
        str | None,
        typer.Option(metavar="M", help="With --trend: wall time, engine_bytes, ...  [default: what decides]"),
    ] = None,
    since: SinceOption = None,
    anonymize: AnonymizeOption = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Show RUNS with their verdicts, or with --trend the history; exit code 0 whatever these are.

    What can't be read of a run is said in its report, and the rest is shown.
    """
    form = Format.JSON if as_json else form
    if output is None and form in BINARY:
        raise UserError(f"--format {form} is no text; say where it goes with --output")
    if output is not None:
        check_writable(output)
    if trend:
        if runs:
            raise UserError(f"--trend shows the history and no run; leave out {runs[0]}, or --trend")
        return show_trend(form, output, metric, since, anonymize=anonymize)
    if not runs:
        raise UserError("give the run files or folders to show, or --trend for the history")
    for option, given in (("--metric", metric), ("--since", since)):
        if given is not None:
            raise UserError(f"{option} chooses from the history; it needs --trend")
    return _show_run(runs, baseline, form, output, verbose - quiet, anonymize=anonymize)


def _show_run(
    runs: list[Path], baseline: str, form: Format, output: Path | None, verbosity: int, *, anonymize: bool
) -> int:
    exporter = load_exporter(form)
    replicates, gaps = read_what_is_there(runs)
    for gap in gaps:
        tell(printable(gap))
    found = load_baseline(baseline, hardware=replicates[0].hardware, results=DEFAULT_RESULTS)
    judgement = with_gaps(judged_here(found, replicates), gaps)
    past = Past()
    if form in PAST:
        past = read_past({row.case for row in judgement.rows}, judgement.run.hardware, DEFAULT_RESULTS)
    whole = Report(judgement=judgement, runs=tuple(replicates), baseline=found, past=past)
    if form in DETAILED or anonymize:  # which takes out what the details call the machine
        details = tuple(details for path in runs for details in read_details(path))
        whole = replace(whole, details=details, baseline_details=tuple(baseline_details(baseline)))
    if anonymize:
        whole = _anonymous(whole)
    if output is None and form is Format.TERMINAL:
        show(whole.judgement, ShownFormat.TERMINAL, verbosity)
        return ExitCode.PASS
    content = exporter(whole)
    if output is None:
        write(content.decode())
    else:
        write_whole(output, content)
    return ExitCode.PASS


def _anonymous(report: Report) -> Report:
    hosts = {details.host for details in (*report.details, *report.baseline_details)}
    people = {waiver.owner for waiver in project_waivers()}
    people |= {change.by for change in (report.baseline.changes if report.baseline is not None else ())}
    anonymizer = project_anonymizer(hosts, people)
    anonymizer.learn(report)
    return anonymizer.of(report)
