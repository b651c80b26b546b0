from __future__ import annotations

import time
from functools import partial

import pytest
import torch

from perfkit.measure.clock import CpuClock, NotQueued, make_clock
from perfkit.measure.replay import NotCaptured, Replay


def work(milliseconds: float) -> None:
    until = time.perf_counter() + milliseconds / 1e3
    while time.perf_counter() < until:
        pass


@pytest.fixture
def clock() -> CpuClock:
    clock = make_clock(torch.device("cpu"))
    assert isinstance(clock, CpuClock)
    return clock


def test_wall_time_is_what_the_call_takes(clock: CpuClock) -> None:
    with clock.timed_region():
        short, long = (min(clock.wall_s(partial(work, ms)) for _ in range(5)) for ms in (2, 20))
    assert 5 < long / short < 20


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_a_slowed_call_is_really_slower_by_its_share(clock: CpuClock, share: float) -> None:
    def call(milliseconds: float) -> str:
        work(milliseconds)
        return "answer"

    slowed = clock.slowed(call, share * clock.work_s(partial(call, 1.0), 1e-3))
    assert slowed(1.0) == "answer"
    # The shortest of each, and short: on a busy machine waiting for a processor swallows what is spun meanwhile.
    slow_s, plain_s = (min(clock.wall_s(partial(each, 1.0)) for _ in range(50)) for each in (slowed, call))
    assert slow_s / plain_s == pytest.approx(1 + share, rel=0.2)


def test_a_slow_host_delays_the_call_itself(clock: CpuClock) -> None:
    """Behind it, what the device still has to do would hide the delay."""
    started_s = time.perf_counter()
    began_s = clock.host_slowed(lambda _: time.perf_counter(), 0.05)(None)
    assert began_s - started_s >= 0.05


def test_the_cpu_replays_nothing(clock: CpuClock) -> None:
    with pytest.raises(NotCaptured, match="no graphs"):
        clock.replay_of([lambda: None])
    with pytest.raises(NotQueued, match="no graphs"):
        clock.replayed_s(Replay([lambda: None]))


def test_the_cpu_has_no_device_clock(clock: CpuClock) -> None:
    assert not clock.has_device_time
    with pytest.raises(NotQueued, match="no device clock"):
        clock.device_s(lambda: None)


@pytest.mark.parametrize("call_s", [0.001, 0.05, 0.5, 1.5])
def test_settling_lasts_as_long_as_is_said(call_s: float) -> None:
    """A whole call at least, however long; the count of rounds rests on it."""

    class Counting(CpuClock):
        time_s = 0.0

        def now_s(self) -> float:
            return self.time_s

    clock = Counting()

    def call() -> None:
        clock.time_s += call_s

    clock.settle(call)
    said_s = clock.settling_s(call_s)
    assert said_s - 1e-9 <= clock.time_s < said_s + min(call_s, clock.settle_s)
