"""``perfkit run``: measure several replicates, each in a fresh process, and judge them as one run."""

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated

import typer

from perfkit.catalog.waivers import Waiver
from perfkit.cli.output import (
    Format,
    JsonFormatOption,
    Quiet,
    Verbose,
    project_limits,
    project_waivers,
    rendered,
    write,
)
from perfkit.cli.replicate import LostReplicate, check_arguments, measure_replicate, tell
from perfkit.errors import UserError
from perfkit.history.keep import keep
from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.verdict import Judgement, Verdict
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, Baseline, check_baseline, load_baseline
from perfkit.record.replicate import Run

_FOLDER = "runs"
"""Below the results folder: one folder a run, one file a replicate."""
_CASE_OPTION = "--perfkit-case"
_DOUBTFUL = (Verdict.REGRESSED, Verdict.INCONCLUSIVE)
"""Verdicts that more replicates may change: a regression has to be seen again, what can't be told perhaps can."""


def run(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- PYTEST ARGUMENT", help="Handed to pytest.  [default: benchmarks/]"),
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, help="How many fresh processes measure the suite.")] = 3,
    repeats: Annotated[
        int,
        typer.Option(min=0, help="How many more measure only the cases that regressed or stayed inconclusive."),
    ] = 2,
    baseline: Annotated[str, typer.Option(help="What the run is judged against: PATH, auto, git:REF or none.")] = AUTO,
    results: Annotated[
        Path, typer.Option(help="The folder that holds baselines/ and receives runs/.")
    ] = DEFAULT_RESULTS,
    form: Annotated[Format, typer.Option("--format", help="How to show it.")] = Format.TERMINAL,
    *,
    as_json: JsonFormatOption = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Measure the suite several times, each in a fresh process, and judge the replicates as one run.

    Cases that regressed or stayed inconclusive are then measured again, so that one bad moment of the machine
    weighs less: all replicates of a case are judged together. A replicate that crashes is lost alone. The exit
    code tells the outcome, see perfkit --help.
    """
    arguments = arguments or ["benchmarks/"]
    check_arguments(arguments)
    check_baseline(baseline, results)
    limits, waivers = project_limits(), project_waivers()
    folder = results / _FOLDER / dt.datetime.now(dt.UTC).strftime("%Y%m%d_%H%M%S_%f")
    runs: list[Run] = []
    known: Baseline | None = None
    lost = ""
    for number in range(1, replicates + 1):
        tell(f"replicate {number} of {replicates}")
        try:
            measured = measure_replicate(arguments, folder / f"replicate-{number}.json")
        except LostReplicate as error:
            lost = f"replicate {number} is lost: {error}"
            tell(lost)
            continue
        if not runs:
            # Which file this hardware's is; what is wrong with it is said now, not after the last replicate.
            known = load_baseline(baseline, hardware=measured.hardware, results=results)
        runs.append(measured)
    if not runs:
        raise UserError(f"no replicate was measured: {lost}")
    told = f"{len(runs)} of {replicates} replicates in {folder}; perfkit promote {folder} adds them to the baseline"
    judgement = _repeated(known, runs, repeats, arguments, folder, limits, waivers)
    write(rendered(judgement, Format.JSON if as_json else form, sys.stdout, verbose - quiet))
    tell(told)
    if (warning := keep(runs, judgement, results)) is not None:
        tell(warning)
    return judgement.exit_code


def _without_cases(arguments: list[str]) -> list[str]:
    """The arguments without the user's own choice of cases."""
    kept = []
    previous = ""
    for argument in arguments:
        if _CASE_OPTION not in (argument, previous) and not argument.startswith(f"{_CASE_OPTION}="):
            kept.append(argument)
        previous = argument
    return kept


def _repeated(
    baseline: Baseline | None,
    runs: list[Run],
    repeats: int,
    arguments: list[str],
    folder: Path,
    limits: Limits,
    waivers: tuple[Waiver, ...],
) -> Judgement:
    """The judgement once every doubtful case was measured up to ``repeats`` more times; ``runs`` grows by them."""
    judgement = judge(baseline, runs, limits, waivers)
    for number in range(1, repeats + 1):
        # A plain pytest-benchmark test beside the cases can't be chosen by --perfkit-case.
        rows = [row for row in judgement.rows if (row.compared or row.disturbed) and row.variant]
        doubtful = [str(row.case) for row in rows if row.verdict in _DOUBTFUL]
        if not doubtful:
            break
        tell(f"repeat {number} of at most {repeats}: {len(doubtful)} of {len(judgement.rows)} cases are in doubt")
        only = [f"{_CASE_OPTION}={case}" for case in doubtful]
        try:
            runs.append(measure_replicate([*_without_cases(arguments), *only], folder / f"repeat-{number}.json"))
        except (LostReplicate, UserError) as error:  # what was measured before is judged all the same
            tell(f"repeat {number} is lost: {error}")
            continue
        judgement = judge(baseline, runs, limits, waivers)
    return judgement
