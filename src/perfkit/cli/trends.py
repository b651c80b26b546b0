"""``perfkit trends``: when cases changed their level, and which drift without a night that shows it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import terminal_width, write
from perfkit.cli.since import SinceOption, since_s
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS


def trends(
    cases: Annotated[str, typer.Option("--cases", metavar="GLOB", help="Only these cases: 'resnet50/*'.")] = "*",
    metric: Annotated[
        str | None,
        typer.Option(metavar="M", help="wall time, engine_bytes, build_s, ...  [default: the speedup that decides]"),
    ] = None,
    since: SinceOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every change as JSON.")] = False,
    results: Annotated[Path, typer.Option(help="The folder that holds history.sqlite.")] = DEFAULT_RESULTS,
) -> int:
    """Tell when cases changed for good: by how much, between which commits, and what software changed there.

    A step is a change from one night to the next that lasted; a drift is so slow that no night showed it. Judges
    nothing: the exit code is 0.
    """
    from perfkit.history.database import open_existing_history
    from perfkit.history.series import find_series
    from perfkit.history.trends import find_trends

    start_s = since_s(since)
    with open_existing_history(results) as history, history.reading() as connection:
        found = find_trends(connection, find_series(connection, cases, metric), start_s)
    if as_json:
        whole = {
            "kind": "perfkit-trends",
            "schema_version": 1,
            "trends": [trend.model_dump(mode="json") for trend in found],
        }
        write(json.dumps(whole, allow_nan=False, indent=2) + "\n")
        return ExitCode.PASS
    from perfkit.report.trends import render

    write(render(found, terminal_width()) + "\n")
    return ExitCode.PASS
