"""Sound variants in whose timed calls something happens to the process or its machine, once or in every call.

The process is really stopped, and pages are really read from a disk; that the machine slept, that its clock was set and
that its memory is taken is told to the process alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

import psutil

from perfkit.measure import pressure
from tests.disk import pages_from_disk
from tests.fakes import Twin, _called_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_CONTINUE = "until grep -q '^State:.T' /proc/$1/status; do sleep 0.02; done; kill -CONT $1"


def stop() -> None:
    """SIGSTOP, until another process says SIGCONT."""
    with subprocess.Popen(["sh", "-c", _CONTINUE, "sh", str(os.getpid())]):
        os.kill(os.getpid(), signal.SIGSTOP)


def suspend() -> None:
    """As after a minute of sleep: of the three clocks the monotonic one has seen none of it."""
    _set_clock(60)
    real = time.clock_gettime
    time.clock_gettime = lambda which: real(which) + (60 if which == time.CLOCK_BOOTTIME else 0)


def _set_clock(by_s: float) -> None:
    real = time.time
    time.time = lambda: real() + by_s


def read_from_disk() -> None:
    pressure.MAJOR_FAULTS = 10
    pages_from_disk(Path("pages"))


def take_memory() -> None:
    """All but a hundredth, for as long as it takes to look once."""
    pressure.LOW_SHARE, real = 0.02, psutil.virtual_memory

    def taken() -> SimpleNamespace:
        psutil.virtual_memory = real
        return SimpleNamespace(total=100, available=1)

    psutil.virtual_memory = taken  # type: ignore[assignment]


class _Disturbing(Twin):
    """Does its act in the third timed call."""

    act: ClassVar[Callable[[], None]]
    always = False

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0

    def change(self, outputs: Tensor) -> Tensor:
        if _called_by("runner"):
            self._calls += 1
            if self.always or self._calls == 3:
                type(self).act()
        return outputs


class Stopped(_Disturbing):
    name = "stopped"
    act = staticmethod(stop)


class AlwaysStopped(_Disturbing):
    name = "always-stopped"
    act = staticmethod(stop)
    always = True


class Suspended(_Disturbing):
    name = "suspended"
    act = staticmethod(suspend)


class ClockSet(_Disturbing):
    name = "clock-set"
    act = staticmethod(partial(_set_clock, -3600))


class ReadsFromDisk(_Disturbing):
    name = "reads-from-disk"
    act = staticmethod(read_from_disk)


class ShortOfMemory(_Disturbing):
    name = "short-of-memory"
    act = staticmethod(take_memory)


VARIANTS = {
    kind.name: f"{__name__}:{kind.__name__}"
    for kind in (Stopped, AlwaysStopped, ReadsFromDisk, ShortOfMemory, ClockSet, Suspended)
}
