"""A process that measures, watched from outside: what it takes, how it ends, and that nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from perfkit.catalog.config import Process

_STANDARD_ERROR = 2
_LOOK_S = 2.0
"""Between two looks at the process: each costs the machine some milliseconds, while it measures."""
_LONGEST_LOOK_S = 3.0
_GRACE_S = 3.0
"""For a process that is asked to end; an interrupt is over within five seconds, whatever the process does."""
_GB = 10**9


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """The exit code, negative for a signal, and in words how the process ended."""

    code: int
    how: str


def run_supervised(
    command: Sequence[str], environment: Mapping[str, str], journal: Path, limits: Process, held: int | None
) -> ProcessEnd:
    """Runs a process that writes a journal; its output goes to standard error.

    It is killed, with all that it started, where a step takes longer than the limits allow, counted from its last sign
    of life in the journal, or where it takes too much memory. An interrupt of this process asks it to end, and kills it
    when it doesn't. ``held`` is a descriptor that it inherits: a lock that lasts as long as one of the two processes.
    """
    watch = _Watch(journal, limits)
    child = subprocess.Popen(  # noqa: S603 - our own interpreter
        list(command),
        stdout=_STANDARD_ERROR,
        env=dict(environment),
        pass_fds=() if held is None else (held,),
        process_group=0,  # a Ctrl-C on the terminal reaches this process alone, which passes it on once
    )
    excess = ""
    try:
        while not _has_ended(child, _LOOK_S):
            excess = watch.excess(child)
            if excess:
                break
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        _has_ended(child, _GRACE_S)
        raise
    finally:
        _end_all(child)
    return ProcessEnd(child.returncode, excess or _told(child.returncode))


@contextlib.contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Inside, SIGTERM is what Ctrl-C is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Watch:
    """Whether a process takes more than it may."""

    def __init__(self, journal: Path, limits: Process) -> None:
        self._journal = journal
        self._time_limit_s = limits.time_limit_s
        self._memory_limit_bytes = int(limits.memory_share * psutil.virtual_memory().total)
        self._last_change_ns = self._change_ns()
        self._looked_s = time.monotonic()
        self._still_s = 0.0

    def excess(self, child: subprocess.Popen[bytes]) -> str:
        """In words what it takes too much of; "" where nothing."""
        # A look that comes late says that this process was stopped as well, and with it probably the other one.
        before_s, self._looked_s = self._looked_s, time.monotonic()
        self._still_s += min(self._looked_s - before_s, _LONGEST_LOOK_S)
        change_ns = self._change_ns()
        if change_ns != self._last_change_ns:
            self._last_change_ns, self._still_s = change_ns, 0.0
        if self._still_s > self._time_limit_s:
            return f"its process was ended: not done after {self._time_limit_s:g} s ([process] time_limit_s)"
        resident_bytes = sum(_resident_bytes(process) for process in _tree(child.pid))
        if resident_bytes > self._memory_limit_bytes:
            taken, allowed = resident_bytes / _GB, self._memory_limit_bytes / _GB
            return f"its process was ended: it took {taken:.1f} GB of memory of {allowed:.1f} ([process] memory_share)"
        return ""

    def _change_ns(self) -> int:
        try:
            return self._journal.stat().st_mtime_ns
        except FileNotFoundError:
            return 0


def _has_ended(child: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Sleeps until it has ended, at most so long: asking again and again would disturb what it measures."""
    try:
        descriptor = os.pidfd_open(child.pid)
    except OSError:  # a sandbox without that call, or the process is gone
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout_s)
    else:
        try:
            select.select([descriptor], [], [], timeout_s)
        finally:
            os.close(descriptor)
    return child.poll() is not None


def _end_all(child: subprocess.Popen[bytes]) -> None:
    """Kills the process, where it still runs, with all that it started."""
    left = [] if child.poll() is not None else _tree(child.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    child.wait()


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # gone by now, or another user's
        return 0


def _told(code: int) -> str:
    if code >= 0:
        return f"its process ended with {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # one that Python has no name for
        name = f"signal {-code}"
    why = ", as the system does where memory runs out" if -code == signal.SIGKILL else ""
    return f"its process was killed by {name}{why}"
