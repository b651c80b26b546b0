"""``perfkit run``: measure several replicates, each in a fresh process, and judge them as one run."""

import datetime as dt
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from perfkit.catalog.case import CaseId
from perfkit.catalog.shards import parse_shard
from perfkit.catalog.waivers import Waiver
from perfkit.cli.budgeted import Budget
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
from perfkit.cli.resume import Request, begin, conclude, find_unfinished, identity_of_run
from perfkit.errors import UserError
from perfkit.history.keep import keep
from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.verdict import Judgement, Row, Verdict
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, FOLDER, Baseline, check_baseline, load_baseline
from perfkit.record.code import code_in
from perfkit.record.journal import SUFFIX, Expected
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
    on: Annotated[
        str | None,
        typer.Option(
            metavar="ray|ray://HOST:PORT", help="Measure on all GPUs of this machine, or of a Ray cluster, at once."
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Stay within 2h or 90min: the further replicates that tell least are dropped, and named.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with RUN, a folder of runs/, where it died.  [default: the newest one]"),
    ] = False,
    *,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Only the I-th of N parts of the suite's models; perfkit merge makes the run of all."
        ),
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to show it.")] = Format.TERMINAL,
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
            budget=budget,
            on=on,
            code=code_in(Path()),
            shard=shard,
        )
        check_arguments(request.arguments)
        _check_shard(request)
        folder = results / _FOLDER / dt.datetime.now(dt.UTC).strftime("%Y%m%d_%H%M%S_%f")
    check_baseline(request.baseline, results)
    limits, waivers = project_limits(), project_waivers()
    allowed = Budget(request.budget, limits) if request.budget is not None else None
    shown = partial(_shown, form=Format.JSON if as_json else form, verbosity=verbose - quiet, results=results)
    if request.on is not None:
        from perfkit.cli.run_on import Wanted, run_on

        wanted = Wanted(request, results, results / _FOLDER, limits, waivers, allowed)
        return run_on(wanted, request.on, folder if resume else None, shown)
    if not resume:
        begin(folder, request)
    with locked_folder(folder, refusal="another process is measuring it") as held:
        arguments = [*request.arguments, *_shard_arguments(request, results)]
        measuring = Measuring(folder, arguments, held, allowed, identity_of_run(folder) if resume else None)
        try:
            runs, known = _replicates(measuring, request, results)
            judgement = _repeated(known, runs, request.repeats, measuring, limits, waivers)
        except KeyboardInterrupt:
            tell(f"interrupted; perfkit run --resume {folder} goes on")
            raise
        return shown(folder, request, runs, judgement, allowed.dropped if allowed is not None else {})


def _shown(
    folder: Path,
    request: Request,
    runs: Sequence[Run],
    judgement: Judgement,
    dropped: Mapping[str, Sequence[CaseId]],
    *,
    form: Format,
    verbosity: int,
    results: Path,
) -> int:
    """How a run came out: on the terminal, in its folder and in the history."""
    write(rendered(judgement, form, sys.stdout, verbosity))
    next_step = f"perfkit promote {folder} adds them to the baseline"
    if request.shard is not None:
        next_step = f"they are shard {request.shard}; perfkit merge makes the run of all of them"
    tell(f"{len(runs)} of {request.replicates} replicates in {folder}; {next_step}")
    # Before the run counts as finished: killed in between, --resume adds it; the same run twice is one row.
    if (warning := keep(runs, judgement, results)) is not None:
        tell(warning)
    conclude(folder, judgement, dropped)
    return judgement.exit_code


@dataclass(frozen=True)
class Measuring:
    """One run's replicates; what an earlier process has finished of them is read."""

    folder: Path
    arguments: list[str]
    held: int
    """The descriptor of the lock on the folder."""
    budget: Budget | None
    identity: dict[str, str] | None

    def is_there(self, name: str) -> bool:
        """Whether an earlier process has begun or finished it."""
        return any((self.folder / name).with_suffix(suffix).exists() for suffix in (".json", SUFFIX))

    def replicate(self, name: str, arguments: list[str], dropped: Sequence[CaseId] = ()) -> Run:
        """Raises LostReplicate and UserError as measuring one does."""
        path = self.folder / f"{name}.json"
        if path.exists() and (found := read_run(path)).incomplete is None:
            path.with_suffix(SUFFIX).unlink(missing_ok=True)  # its process may have died between the two
            return found
        why = self.budget.why if self.budget is not None else ""
        expected = Expected(identity=self.identity, dropped=list(dropped), why_dropped=why)
        return measure_replicate(arguments, path, held=self.held, expected=expected)


def _refuse_options(context: typer.Context) -> None:
    """Raises UserError for what a resumed run was asked for when it was begun."""
    for name in ("replicates", "repeats", "baseline", "budget", "on", "shard"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UserError(f"--{name}: a resumed run keeps its own; leave it out")


def _check_shard(request: Request) -> None:
    """Raises UserError for what is no shard, and for a choice of cases beside it."""
    if request.shard is None:
        return
    parse_shard(request.shard)
    if request.on is not None:
        raise UserError("--shard: divides a suite among machines that don't know each other; leave it or --on out")
    if any(argument.split("=")[0] == _CASE_OPTION for argument in request.arguments):
        raise UserError(f"--shard: chooses whole models, and {_CASE_OPTION} chooses cases; leave one out")


def _shard_arguments(request: Request, results: Path) -> list[str]:
    """For pytest, which knows the plan. Reviewed baselines are the same for all machines that have the same commit."""
    if request.shard is None:
        return []
    return [f"--perfkit-shard={request.shard}", f"--perfkit-divided-by={(results / FOLDER).absolute()}"]


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
        name, dropped = f"replicate-{number}", list[CaseId]()
        if measuring.budget is not None and runs and not measuring.is_there(name):
            fitting = measuring.budget.drop(number, request.replicates, runs, known)
            if fitting is None:
                continue
            dropped = fitting
        tell(f"replicate {number} of {request.replicates}")
        try:
            measured = measuring.replicate(name, measuring.arguments, dropped)
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


def cases_in_doubt(judgement: Judgement) -> list[Row]:
    """What more replicates may decide."""
    # A plain pytest-benchmark test beside the cases can't be chosen by --perfkit-case.
    rows = [row for row in judgement.rows if (row.compared or row.disturbed) and row.variant]
    return [row for row in rows if row.verdict in _DOUBTFUL]


def without_cases(arguments: list[str]) -> list[str]:
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
        in_doubt = cases_in_doubt(judgement)
        name, doubtful = f"repeat-{number}", [str(row.case) for row in in_doubt]
        if in_doubt and measuring.budget is not None and not measuring.is_there(name):
            doubtful = [str(case) for case in measuring.budget.fitting(name, in_doubt, runs)]
        if not doubtful:
            break
        tell(f"repeat {number} of at most {repeats}: {len(doubtful)} of {len(judgement.rows)} cases are in doubt")
        only = [f"{_CASE_OPTION}={case}" for case in doubtful]
        try:
            runs.append(measuring.replicate(name, [*without_cases(measuring.arguments), *only]))
        except (LostReplicate, UserError) as error:  # what was measured before is judged all the same
            tell(f"repeat {number} is lost: {error}")
            continue
        judgement = judge(baseline, runs, limits, waivers)
    return judgement
