"""``perfkit history CASE``: a table with a sparkline, or every number for another program."""

from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import terminal_width, write
from perfkit.cli.since import SinceOption, since_s
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS


def show_history(
    case: Annotated[str, typer.Argument(metavar="CASE", help="MODEL/VARIANT/SHAPE, or a glob: 'resnet50/*'.")],
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            help="wall speedup, device time, engine_bytes, layers, build_s, ...  [default: the speedup that decides]",
        ),
    ] = None,
    since: SinceOption = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every number as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every number as JSON.")] = False,
    parquet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every number to a Parquet file.")] = None,
    results: Annotated[Path, typer.Option(help="The folder that holds history.sqlite.")] = DEFAULT_RESULTS,
) -> int:
    """Show CASE from run to run: each replicate's number, and the verdict where one was given.

    A glob that names several cases shows a line for each.
    """
    if as_csv + as_json + (parquet is not None) > 1:
        raise UserError("--csv, --json and --parquet: one of them at a time")
    from perfkit.history.database import open_existing_history
    from perfkit.history.series import find_series, histories_of, numbers_of, runs_since

    start_s, width = since_s(since), terminal_width()
    with open_existing_history(results) as history, history.reading() as connection:
        series = find_series(connection, case, metric)
        runs = runs_since(connection, start_s)
        if len(series) > 1 and not (as_csv or as_json or parquet is not None):
            from perfkit.report.history_table import render_many

            write(render_many(series, *numbers_of(connection, series, runs), width) + "\n")
            return ExitCode.PASS
        found = histories_of(connection, series, runs)
    if not found:
        raise UserError(f"{case}: nothing since {since}; leave out --since to see what there is")
    if as_csv or as_json or parquet is not None:
        from perfkit.report import history as exported

        if parquet is not None:
            exported.write_parquet(found, parquet)
        else:
            write(exported.csv_text(found) if as_csv else exported.json_text(found))
        return ExitCode.PASS
    from perfkit.report.history_table import render_one

    write(render_one(found[0], width) + "\n")
    return ExitCode.PASS
