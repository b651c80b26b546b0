"""Time that was taken from a round as a whole: the machine slept, the process was stopped, the system's clock was set.

The clock that measures counts none of a suspension and all of a stop; neither is what a call takes, and a machine that
has just woken up runs with other clocks and cold caches. A frozen container (cgroup freezer) sends no signal and can't
be told from a wait.
"""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STEP_S = 0.1
"""Far more than reading the clocks one after the other leaves open, and less than a machine needs to sleep and wake."""
_READINGS = 3
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Goes on while the machine is suspended, unlike the monotonic clock. Linux has it."""


class InterruptionWatcher:
    """Compares three clocks between rounds, and counts how often the process was continued.

    ``stops`` tells the latter since some moment, ``ahead_s`` how far the clock that never sleeps and the wall clock are
    ahead of the one that measures, in seconds.
    """

    def __init__(self, stops: Callable[[], int], ahead_s: Callable[[], tuple[float, float]] | None = None) -> None:
        self._stops, self._ahead_s = stops, ahead_s or clocks_ahead_s
        self.start()

    def start(self) -> None:
        self._last = self._read()

    def look(self) -> str | None:
        before, self._last = self._last, self._read()
        suspended_s, wall_s, stops = (new - old for new, old in zip(self._last, before, strict=True))
        if suspended_s > _STEP_S:
            return "the machine was suspended"
        if stops:
            return "the process was stopped"
        if abs(wall_s - suspended_s) > _STEP_S:  # as after a pause of a virtual machine, which its clocks don't see
            return "the system's clock was set"
        return None

    def seen(self) -> dict[str, float]:
        return {}

    def _read(self) -> tuple[float, float, int]:
        return *self._ahead_s(), self._stops()


def clocks_ahead_s() -> tuple[float, float]:
    """How far the clock that goes on in a suspension and the wall clock are ahead of the monotonic one, in seconds."""
    # Of several readings the one that took least: nothing came between its clocks.
    _, asleep_too_s, wall_s = min(_read_once() for _ in range(_READINGS))
    return asleep_too_s, wall_s


def _read_once() -> tuple[float, float, float]:
    started_s = time.monotonic()
    asleep_too_s = started_s if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
    wall_s = time.time()
    return time.monotonic() - started_s, asleep_too_s - started_s, wall_s - started_s


@contextmanager
def counted_stops() -> Iterator[Callable[[], int]]:
    """Inside, how often the process was continued after SIGSTOP, SIGTSTP or a debugger.

    Always 0 outside the main thread, where signals can't be heard, and on systems without SIGCONT.
    """
    count = 0

    def continued(*_: object) -> None:
        nonlocal count
        count += 1

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCONT"):
        yield lambda: 0
        return
    before = signal.signal(signal.SIGCONT, continued)
    signal.siginterrupt(signal.SIGCONT, False)  # calls that wait go on waiting, as without a handler
    try:
        yield lambda: count
    finally:
        signal.signal(signal.SIGCONT, signal.SIG_DFL if before is None else before)
