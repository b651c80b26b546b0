"""Building in a child process: a native builder may hang, or take its process down with it.

The parent writes the request into a folder and starts :mod:`perfkit.variants.child` on it; the child leaves the engine
there, as the variant saves it, and what is known of it. The child has a device context of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import torch

from perfkit.errors import reason_of
from perfkit.record.facts import BuildFacts
from perfkit.record.model import Model
from perfkit.variants.base import VariantBroken

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.variants.base import BuildRequest, StoredVariant

REQUEST, RESULT, ENGINE, OUTPUT = "request.pt", "result.json", "engine", "output.txt"
_LAST_LINES = 30


class ChildResult(Model):
    """What the child leaves: facts of what it built, or why it built nothing."""

    facts: BuildFacts | None = None
    peak_build_bytes: int | None = None
    reason: str = ""


class NotIsolated(Exception):
    """Variant or model can't be handed to another process; the message is the reason in one line."""


class BuildFailed(VariantBroken):
    """The build raised, hung, or took its process down; the message is the reason in one line."""


def build_isolated(variant: StoredVariant, request: BuildRequest, folder: Path, time_limit_s: float) -> ChildResult:
    """Builds in a child process and leaves the engine in ``folder / ENGINE``; the folder is empty before.

    Raises NotIsolated before anything is built, and BuildFailed with the builder's own line; the end of what the child
    printed is a note of the exception.
    """
    (folder / ENGINE).mkdir()
    try:
        torch.save({"variant": variant, "request": request, "threads": torch.get_num_threads()}, folder / REQUEST)
    except Exception as error:  # pickle raises anything: a model may hold a lambda, a lock, an open file
        raise NotIsolated(reason_of(error)) from error
    with (folder / OUTPUT).open("wb") as output:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "perfkit.variants.child", str(folder), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Variants may come from wherever this process imports them.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # builders start compilers: all of them end with it
        )
        try:
            code = child.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            raise _failed(f"not done after {time_limit_s:g} s, the time limit of a build", folder) from None
        finally:
            # Even if it has ended: what it started may go on, and keeps the group's number from anybody else.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if not (folder / RESULT).is_file():
        raise _failed(_how_it_ended(code, folder), folder)
    result = ChildResult.model_validate_json((folder / RESULT).read_text("utf-8"))
    if result.facts is None:
        raise _failed(result.reason, folder)
    return result


def _how_it_ended(code: int, folder: Path) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):  # a signal that Python has no name for
            return f"its process was killed by {signal.Signals(-code).name}{_last_words(folder)}"
    return f"its process ended with {code} and left nothing{_last_words(folder)}"


def _last_words(folder: Path) -> str:
    lines = _printed(folder)
    return f"; its last line: {lines[-1]}" if lines else ""


def _failed(reason: str, folder: Path) -> BuildFailed:
    error = BuildFailed(f"build failed: {reason}")
    if lines := _printed(folder)[-_LAST_LINES:]:
        error.add_note("\n".join(["The build's last lines:", *lines]))
    return error


def _printed(folder: Path) -> list[str]:
    text = (folder / OUTPUT).read_text("utf-8", errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]
