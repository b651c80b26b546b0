"""``perfkit run``: measure several replicates, each in a fresh process, and judge them as one run."""

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer

from perfkit.cli.output import Format, rendered, write
from perfkit.errors import UserError
from perfkit.judge.compare import judge
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, load_baseline
from perfkit.record.read import read_run, read_runs

_FOLDER = "runs"
"""Below the results folder: one folder a run, one file a replicate."""
_STANDARD_ERROR = 2


def run(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- [PYTEST ARGUMENT]...", help="Handed to pytest.  [default: benchmarks/]"),
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, help="How many fresh processes measure the suite.")] = 3,
    baseline: Annotated[str, typer.Option(help="What the run is judged against: PATH, auto, git:REF or none.")] = AUTO,
    results: Annotated[
        Path, typer.Option(help="The folder that holds baselines/ and receives runs/.")
    ] = DEFAULT_RESULTS,
    form: Annotated[Format, typer.Option("--format", help="How to show it.")] = Format.TERMINAL,
) -> int:
    """Measure the suite several times, each in a fresh process, and judge the replicates as one run.

    A replicate that crashes is lost alone. The exit code tells the outcome, see perfkit --help.
    """
    arguments = arguments or ["benchmarks/"]
    if any(argument.startswith("--perfkit-baseline") for argument in arguments):
        raise UserError("--perfkit-baseline goes before the --, as --baseline: the replicates are judged together")
    folder = results / _FOLDER / dt.datetime.now(dt.UTC).strftime("%Y%m%d_%H%M%S_%f")
    lost = []
    for number in range(1, replicates + 1):
        _tell(f"replicate {number} of {replicates}")
        why = _measure(arguments, folder / f"replicate-{number}.json")
        if why is not None:
            lost.append(f"replicate {number} is lost: {why}")
            _tell(lost[-1])
        elif number == 1:
            # What is wrong with the baseline is said now, not after the last replicate.
            load_baseline(baseline, hardware=read_run(folder / "replicate-1.json").hardware, results=results)
    if len(lost) == replicates:
        raise UserError(f"no replicate was measured: {lost[-1]}")
    runs = read_runs(folder)
    judgement = judge(load_baseline(baseline, hardware=runs[0].hardware, results=results), runs)
    write(rendered(judgement, form, sys.stdout))
    _tell(f"{len(runs)} of {replicates} replicates in {folder}; perfkit promote {folder} adds them to the baseline")
    return judgement.exit_code


def _measure(arguments: list[str], path: Path) -> str | None:
    """One replicate into ``path``; returns why there is none.

    Raises UserError where pytest refuses the request, for it would refuse the next one as well.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    command = [sys.executable, "-m", "pytest", *arguments, "--perfkit-baseline=none", f"--benchmark-json={unfinished}"]
    # Its output goes to standard error, so that --format json stays JSON.
    code = subprocess.run(command, check=False, stdout=_STANDARD_ERROR).returncode  # noqa: S603 - our own interpreter
    if code == pytest.ExitCode.INTERRUPTED:
        unfinished.unlink(missing_ok=True)
        raise typer.Abort
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise UserError(f"pytest ended with {code}, see above; nothing was measured")
    try:
        read_run(unfinished)
    except UserError:
        unfinished.unlink(missing_ok=True)
        return f"pytest ended with {code} and left no record"
    unfinished.replace(path)
    return None


def _tell(line: str) -> None:
    sys.stderr.write(f"perfkit: {line}\n")
    sys.stderr.flush()
