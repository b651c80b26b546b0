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
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, Baseline, load_baseline
from perfkit.record.read import read_run
from perfkit.record.replicate import Run

_FOLDER = "runs"
"""Below the results folder: one folder a run, one file a replicate."""
_STANDARD_ERROR = 2


class _LostError(Exception):
    """A replicate that isn't there; the message is the reason in one line."""


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
    for argument in arguments:
        if argument.startswith("--perfkit-baseline"):
            raise UserError("--perfkit-baseline goes before the --, as --baseline: the replicates are judged together")
        if argument.startswith("--benchmark-json"):
            raise UserError("--benchmark-json is perfkit's own here, a file for each replicate; leave it out")
    folder = results / _FOLDER / dt.datetime.now(dt.UTC).strftime("%Y%m%d_%H%M%S_%f")
    runs: list[Run] = []
    known: Baseline | None = None
    lost = ""
    for number in range(1, replicates + 1):
        _tell(f"replicate {number} of {replicates}")
        try:
            measured = _measure(arguments, folder / f"replicate-{number}.json")
        except _LostError as error:
            lost = f"replicate {number} is lost: {error}"
            _tell(lost)
            continue
        if not runs:
            # What is wrong with the baseline is said now, not after the last replicate.
            known = load_baseline(baseline, hardware=measured.hardware, results=results)
        runs.append(measured)
    if not runs:
        raise UserError(f"no replicate was measured: {lost}")
    judgement = judge(known, runs)
    write(rendered(judgement, form, sys.stdout))
    _tell(f"{len(runs)} of {replicates} replicates in {folder}; perfkit promote {folder} adds them to the baseline")
    return judgement.exit_code


def _measure(arguments: list[str], path: Path) -> Run:
    """One replicate, kept in ``path``.

    Raises _LostError where pytest left no record that can be read, and UserError where it refuses the request, for
    it would refuse the next one as well. What can't be read is kept beside ``path`` under another name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    command = [sys.executable, "-m", "pytest", *arguments, "--perfkit-baseline=none", f"--benchmark-json={unfinished}"]
    # Its output goes to standard error, so that --format json stays JSON.
    code = subprocess.run(command, check=False, stdout=_STANDARD_ERROR).returncode  # noqa: S603 - our own interpreter
    if unfinished.exists() and unfinished.stat().st_size == 0:
        unfinished.unlink()  # pytest-benchmark opens it at the start
    if code == pytest.ExitCode.INTERRUPTED:
        if unfinished.exists():
            unfinished.replace(path.with_suffix(".interrupted"))
        raise typer.Abort
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise UserError(f"pytest ended with {code}, see above; nothing was measured")
    if not unfinished.exists():
        raise _LostError(f"pytest ended with {code} and left no record")
    try:
        read_run(unfinished)
    except UserError as error:
        unfinished.replace(path.with_suffix(".unreadable"))
        raise _LostError(str(error)) from None
    unfinished.replace(path)
    return read_run(path)


def _tell(line: str) -> None:
    sys.stderr.write(f"perfkit: {line}\n")
    sys.stderr.flush()
