"""``perfkit run``: measure several replicates, each in a fresh process, and judge them as one run."""

import datetime as dt
import sys
from dataclasses import dataclass
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
from perfkit.cli.resume import Request, begin, code_here, conclude, find_unfinished, identity_of_run
from perfkit.errors import UserError
from perfkit.history.keep import keep
from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.verdict import Judgement, Verdict
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, Baseline, check_baseline, load_baseline
from perfkit.record.journal import SUFFIX
from perfkit.record.lock import locked_folder
from perfkit.record.read import read_run
from perfkit.record.replicate import Run

_FOLDER = "runs"
"""Below the results folder: one folder a run, one file a replicate."""
_CASE_OPTION = "--perfkit-case"
_DOUBTFUL = (Verdict.REGRESSED, Verdict.INCONCLUSIVE)
"""Verdicts that more replicates may change: a regression has to be seen again, what can't be told perhaps can."""


def run(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- PYTEST ARGUMENT", help="Handed to pytest; with --resume the RUN.  [default: benchmarks/]"
        ),
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
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with RUN, a folder of runs/, where it died.  [default: the newest one]"),
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How to show it.")] = Format.TERMINAL,
    *,
    context: typer.Context,
    as_json: JsonFormatOption = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Measure the suite several times, each in a fresh process, and judge the replicates as one run.

    Cases that regressed or stayed inconclusive are then measured again, so that one bad moment of the machine
    weighs less: all replicates of a case are judged together. A process that dies breaks the case that it was at,
    and another one measures the rest. The exit code tells the outcome, see perfkit --help.
    """
    if resume:
        _refuse_options(context)
        folder, request = find_unfinished(results / _FOLDER, _named_run(arguments))
    else:
        request = Request(
            arguments=arguments or ["benchmarks/"],
            replicates=replicates,
            repeats=repeats,
            baseline=baseline,
            code=code_here(),
        )
        check_arguments(request.arguments)
        folder = results / _FOLDER / dt.datetime.now(dt.UTC).strftime("%Y%m%d_%H%M%S_%f")
    check_baseline(request.baseline, results)
    limits, waivers = project_limits(), project_waivers()
    if not resume:
        begin(folder, request)
    with locked_folder(folder, refusal="another process is measuring it") as held:
        measuring = Measuring(folder, request.arguments, held, identity_of_run(folder) if resume else None)
        try:
            runs, known = _replicates(measuring, request, results)
            judgement = _repeated(known, runs, request.repeats, measuring, limits, waivers)
        except KeyboardInterrupt:
            tell(f"interrupted; perfkit run --resume {folder} goes on")
            raise
        told = (
            f"{len(runs)} of {request.replicates} replicates in {folder}; perfkit promote {folder} adds them to the "
            "baseline"
        )
        write(rendered(judgement, Format.JSON if as_json else form, sys.stdout, verbose - quiet))
        tell(told)
        # Before the run counts as finished: killed in between, --resume adds it; the same run twice is one row.
        if (warning := keep(runs, judgement, results)) is not None:
            tell(warning)
        conclude(folder, judgement)
    return judgement.exit_code


@dataclass(frozen=True)
class Measuring:
    """One run's replicates; what an earlier process has finished of them is read."""

    folder: Path
    arguments: list[str]
    held: int
    """The descriptor of the lock on the folder."""
    expected: dict[str, str] | None

    def replicate(self, name: str, arguments: list[str]) -> Run:
        """Raises LostReplicate and UserError as measuring one does."""
        path = self.folder / f"{name}.json"
        if path.exists() and (found := read_run(path)).incomplete is None:
            path.with_suffix(SUFFIX).unlink(missing_ok=True)  # its process may have died between the two
            return found
        return measure_replicate(arguments, path, held=self.held, expected=self.expected)


def _refuse_options(context: typer.Context) -> None:
    """Raises UserError for what a resumed run was asked for when it was begun."""
    for name in ("replicates", "repeats", "baseline"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UserError(f"--{name}: a resumed run keeps its own; leave it out")


def _named_run(arguments: list[str] | None) -> Path | None:
    if arguments is not None and len(arguments) > 1:
        raise UserError("--resume takes one RUN, and no arguments for pytest: the run keeps its own")
    return Path(arguments[0]) if arguments else None


def _replicates(measuring: Measuring, request: Request, results: Path) -> tuple[list[Run], Baseline | None]:
    """The replicates that could be measured, and the baseline of their hardware.

    Raises UserError where there is none, and for a baseline that can't be read.
    """
    runs: list[Run] = []
    known: Baseline | None = None
    lost = ""
    for number in range(1, request.replicates + 1):
        tell(f"replicate {number} of {request.replicates}")
        try:
            measured = measuring.replicate(f"replicate-{number}", request.arguments)
        except LostReplicate as error:
            lost = f"replicate {number} is lost: {error}"
            tell(lost)
            continue
        if not runs:
            # Which file this hardware's is; what is wrong with it is said now, not after the last replicate.
            known = load_baseline(request.baseline, hardware=measured.hardware, results=results)
        runs.append(measured)
    if not runs:
        raise UserError(f"no replicate was measured: {lost}")
    return runs, known


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
    measuring: Measuring,
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
            runs.append(measuring.replicate(f"repeat-{number}", [*_without_cases(measuring.arguments), *only]))
        except (LostReplicate, UserError) as error:  # what was measured before is judged all the same
            tell(f"repeat {number} is lost: {error}")
            continue
        judgement = judge(baseline, runs, limits, waivers)
    return judgement
