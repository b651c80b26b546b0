"""``perfkit run``: measure several replicates, each in a fresh process, and judge them as one run."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from perfkit.catalog.case import CaseId
from perfkit.catalog.shards import parse_shard
from perfkit.cli.output import (
    Format,
    FormatOption,
    JsonFormatOption,
    Quiet,
    Verbose,
    project_limits,
    project_waivers,
    show,
)
from perfkit.errors import UserError
from perfkit.history.keep import keep
from perfkit.judge.verdict import Judgement
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, check_baseline
from perfkit.record.code import code_in
from perfkit.record.replicate import Run
from perfkit.replicates.budgeted import Budget
from perfkit.replicates.processes import check_arguments
from perfkit.replicates.repeats import CASE_OPTION
from perfkit.replicates.request import RUNS, Request, Wanted, conclude, dated_name, find_unfinished, is_incomplete
from perfkit.replicates.run_here import run_here
from perfkit.tell import tell


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
    form: FormatOption = Format.TERMINAL,
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
        folder, request = find_unfinished(results, _named_run(arguments))
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
        folder = results / RUNS / dated_name()
    check_baseline(request.baseline, results)
    limits, waivers = project_limits(), project_waivers()
    allowed = Budget(request.budget, limits) if request.budget is not None else None
    shown = partial(_shown, form=Format.JSON if as_json else form, verbosity=verbose - quiet, results=results)
    wanted = Wanted(request, results, limits, waivers, allowed)
    if request.on is not None:
        from perfkit.fleet.run_on import run_on

        return run_on(wanted, request.on, folder if resume else None, shown)
    return run_here(wanted, folder, is_resumed=resume, shown=shown)


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
    # Before the run counts as finished: killed in between, --resume adds it; the same run twice is one row. And before
    # it is shown: what is printed may find no room.
    warning = keep(runs, judgement, results)
    is_unfinished = is_incomplete(folder)
    if not is_unfinished:
        conclude(folder, judgement, dropped)
    show(judgement, form, verbosity)
    next_step = f"perfkit promote {folder} adds them to the baseline"
    if is_unfinished:
        next_step = f"not all of them are whole; perfkit run --resume {folder} measures the rest"
    elif request.shard is not None:
        next_step = f"they are shard {request.shard}; perfkit merge makes the run of all of them"
    tell(f"{len(runs)} of {request.replicates} replicates in {folder}; {next_step}")
    if warning is not None:
        tell(warning)
    return judgement.exit_code


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
    if any(argument.split("=")[0] == CASE_OPTION for argument in request.arguments):
        raise UserError(f"--shard: chooses whole models, and {CASE_OPTION} chooses cases; leave one out")


def _named_run(arguments: list[str] | None) -> Path | None:
    if arguments is not None and len(arguments) > 1:
        raise UserError("--resume takes one RUN, and no arguments for pytest: the run keeps its own")
    return Path(arguments[0]) if arguments else None
