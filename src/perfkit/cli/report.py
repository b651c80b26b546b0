"""``perfkit report``: show a run, for a CI step summary or for people; never a gate."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.output import Format, JsonFormatOption, project_limits, project_waivers, rendered, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, load_baseline
from perfkit.record.read import read_all


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Run files or folders: the replicates of one run."),
    ],
    baseline: Annotated[
        str,
        typer.Option(help="auto: results/baselines/ has it for this hardware; none; git:REF; or a path."),
    ] = AUTO,
    form: Annotated[Format, typer.Option("--format", help="How to show it.")] = Format.TERMINAL,
    as_json: JsonFormatOption = False,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> int:
    """Show RUNS with their verdicts; exit code 0 whatever these are."""
    replicates = read_all(runs)
    found = load_baseline(baseline, hardware=replicates[0].hardware, results=DEFAULT_RESULTS)
    judgement = judge(found, replicates, project_limits(), project_waivers())
    if output is None:
        write(rendered(judgement, Format.JSON if as_json else form, sys.stdout))
    else:
        try:
            output.write_text(rendered(judgement, Format.JSON if as_json else form, None), encoding="utf-8")
        except OSError as error:
            raise UserError(f"{output}: cannot be written: {error.strerror}") from error
    return ExitCode.PASS
