from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from perfkit.measure.interruptions import InterruptionWatcher, clocks_ahead_s, counted_stops

if TYPE_CHECKING:
    from collections.abc import Iterable

SUSPENDED, STOPPED, SET = "the machine was suspended", "the process was stopped", "the system's clock was set"


def watcher(readings: Iterable[tuple[float, float, int]]) -> InterruptionWatcher:
    """Each: by how much the clock that never sleeps and the wall clock are ahead, in seconds, and how many stops."""
    clocks, stops = iter(readings := list(readings)), iter(readings)
    return InterruptionWatcher(lambda: next(stops)[2], lambda: next(clocks)[:2])


@pytest.mark.parametrize(
    ("ahead_s", "wall_s", "stops", "why"),
    [
        (0.0, 0.0, 0, None),
        (0.01, 0.01, 0, None),  # read one after the other
        (30.0, 30.0, 0, SUSPENDED),  # the wall clock goes on as well
        (30.0, 0.0, 0, SUSPENDED),
        (0.0, 0.0, 1, STOPPED),
        (30.0, 30.0, 1, SUSPENDED),
        (0.0, 3600.0, 0, SET),
        (0.0, -0.5, 0, SET),
        (0.0, 0.0, 3, STOPPED),
    ],
)
def test_what_happened_in_a_round(ahead_s: float, wall_s: float, stops: int, why: str | None) -> None:
    before = (1000.0, 1.7e9, 2)
    after = (before[0] + ahead_s, before[1] + wall_s, before[2] + stops)
    watching = watcher([before, after, after])
    assert watching.look() == why
    assert watching.look() is None, "the next round has nothing of it"


def test_what_was_before_the_first_round_is_forgotten() -> None:
    watching = watcher([(0.0, 0.0, 0), (60.0, 60.0, 1), (60.0, 60.0, 1)])
    watching.start()
    assert watching.look() is None


def test_the_real_clocks_stand_to_each_other_as_they_did() -> None:
    watching = InterruptionWatcher(lambda: 0)
    time.sleep(0.05)
    assert watching.look() is None
    asleep_too_s, wall_s = clocks_ahead_s()
    assert asleep_too_s >= -0.1
    assert wall_s > 1e9


def test_a_continued_process_knows_it_and_nothing_is_left_of_it() -> None:
    """Here by the signal alone, for a test that stopped would stop the others; tests/faults really stop one."""
    before = signal.getsignal(signal.SIGCONT)
    with counted_stops() as stops:
        assert stops() == 0
        os.kill(os.getpid(), signal.SIGCONT)
        subprocess.run(["sleep", "0.05"], check=True)
        assert stops() == 1
    assert signal.getsignal(signal.SIGCONT) == before
    os.kill(os.getpid(), signal.SIGCONT)
    assert stops() == 1


def test_in_another_thread_no_signal_is_heard() -> None:
    found: list[int] = []

    def look() -> None:
        with counted_stops() as stops:
            os.kill(os.getpid(), signal.SIGCONT)
            found.append(stops())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [0]
