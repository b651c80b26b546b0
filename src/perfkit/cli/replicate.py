"""One replicate: pytest in a fresh process, and the record that it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from perfkit.errors import UserError
from perfkit.history.location import OFF, VARIABLE
from perfkit.record.read import read_run

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.record.replicate import Run

_STANDARD_ERROR = 2


class LostReplicate(Exception):
    """A replicate that isn't there; the message is the reason in one line."""


def measure_replicate(arguments: list[str], path: Path) -> Run:
    """One replicate, kept in ``path``.

    Raises LostReplicate where pytest left no record that can be read, and UserError where it refuses the request, for
    it would refuse the next one as well. What can't be read is kept beside ``path`` under another name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    command = [sys.executable, "-m", "pytest", *arguments, "--perfkit-baseline=none", f"--benchmark-json={unfinished}"]
    # Its output goes to standard error, so that --format json stays JSON.
    # Whoever asked for the replicate knows whether it belongs to the history, and with which verdicts.
    environment = {**os.environ, VARIABLE: OFF}
    done = subprocess.run(command, check=False, stdout=_STANDARD_ERROR, env=environment)  # noqa: S603 - our own
    code = done.returncode
    if unfinished.exists() and unfinished.stat().st_size == 0:
        unfinished.unlink()  # pytest-benchmark opens it at the start
    if code == pytest.ExitCode.INTERRUPTED:
        if unfinished.exists():
            unfinished.replace(path.with_suffix(".interrupted"))
        raise typer.Abort
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise UserError(f"pytest ended with {code}, see above; nothing was measured")
    if not unfinished.exists():
        raise LostReplicate(f"pytest ended with {code} and left no record")
    try:
        read_run(unfinished)
    except UserError as error:
        unfinished.replace(path.with_suffix(".unreadable"))
        raise LostReplicate(str(error)) from None
    unfinished.replace(path)
    return read_run(path)


def check_arguments(arguments: list[str]) -> None:
    """Raises UserError for an argument of pytest that is perfkit's own to give."""
    for argument in arguments:
        if argument.startswith("--perfkit-baseline"):
            raise UserError("--perfkit-baseline goes before the --, as --baseline: the replicates are judged together")
        if argument.startswith("--perfkit-report"):
            raise UserError("--perfkit-report would be written anew by each replicate; perfkit report RUNS shows all")
        if argument.startswith("--benchmark-json"):
            raise UserError("--benchmark-json is perfkit's own here, a file for each replicate; leave it out")


def tell(line: str) -> None:
    """A line of progress on standard error, where pytest's own output goes too."""
    sys.stderr.write(f"perfkit: {line}\n")
    sys.stderr.flush()
