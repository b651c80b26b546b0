"""How device times are read, on a made-up device: what the clock asks of it and in which order.

Whether a real one does as asked is tests/gpu/test_clock.py.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from perfkit.measure import clock as clock_module
from perfkit.measure.clock import CudaClock, NotQueued
from perfkit.measure.replay import NotCaptured, Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CYCLES_PER_S = 1e9
COLD_S, LESS_COLD_S, FILL_S = 1.5e-3, 1e-3, 1e-4
LARGEST_CACHE_BYTES = 128 * 2**20


@dataclass
class Device:
    """A host's clock and a device that does one thing after another, each as late as it was asked for."""

    host_s: float = 0.0
    busy_until_s: float = 0.0
    streams: list[object] = field(default_factory=list)
    """Those that were used since the device began to spin the last time."""
    used_before: list[int] = field(default_factory=list)
    """How many streams had been used each time that it began to spin."""
    is_filled: bool = False
    """Nothing is in its cache but what was filled in last."""

    def work(self, takes_s: float, launched_in_s: float = 0.0) -> None:
        self.host_s += launched_in_s
        self.busy_until_s = max(self.host_s, self.busy_until_s) + takes_s

    def spin(self, cycles: int) -> None:
        self.used_before.append(len(set(self.streams)))
        self.streams.clear()
        self.work(cycles / CYCLES_PER_S)

    def wait(self, *_: object) -> None:
        self.host_s = max(self.host_s, self.busy_until_s)

    def graph(self) -> Callable[[], Any]:
        """One that takes longer where nothing of it is in the cache."""

        def replay() -> None:
            self.work(COLD_S if self.is_filled else LESS_COLD_S)
            self.is_filled = False

        return replay

    def fill(self, size_bytes: int) -> None:
        self.work(FILL_S)
        self.is_filled = size_bytes > LARGEST_CACHE_BYTES

    @contextmanager
    def on(self, stream: object) -> Iterator[None]:
        self.streams.append(stream)
        yield


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    made_up = Device()

    class Event:
        at_s = 0.0

        def __init__(self, *, enable_timing: bool = False) -> None:
            del enable_timing

        def record(self) -> None:
            self.at_s = max(made_up.host_s, made_up.busy_until_s)

        def query(self) -> bool:
            return self.at_s <= made_up.host_s

        def elapsed_time(self, other: Event) -> float:
            return 1e3 * (other.at_s - self.at_s)

        synchronize = made_up.wait

    class Stream:
        def __init__(self, *_: object) -> None:
            pass

        synchronize = wait_stream = made_up.wait

    monkeypatch.setattr(torch, "empty", lambda size, **_: SimpleNamespace(zero_=partial(made_up.fill, size)))
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", made_up.on)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "synchronize", made_up.wait)
    monkeypatch.setattr(torch.cuda, "_sleep", made_up.spin)
    monkeypatch.setattr(clock_module, "time", SimpleNamespace(perf_counter=lambda: made_up.host_s))
    return made_up


@pytest.fixture
def clock(device: Device) -> CudaClock:
    del device
    return CudaClock(torch.device("cpu"))


@pytest.mark.parametrize("launched_in_s", [1e-5, 0.05])
def test_what_the_host_needs_to_launch_is_in_no_device_time(
    clock: CudaClock, device: Device, launched_in_s: float
) -> None:
    """Where the first delay is too short for it, the device would wait for launches in between."""

    def call() -> None:
        for _ in range(4):
            device.work(1e-4, launched_in_s)

    assert clock.device_s(call) == pytest.approx(4e-4)


def test_a_call_that_waits_for_the_device_has_no_device_time(clock: CudaClock, device: Device) -> None:
    def call() -> None:
        device.work(1e-4)
        device.wait()

    with pytest.raises(NotQueued, match="it synchronizes by itself"):
        clock.device_s(call)


def test_a_slowdown_of_such_a_call_is_a_share_of_its_wall_time(
    clock: CudaClock, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor can it be captured, and it is to be slowed all the same."""

    def call() -> None:
        device.work(1e-4)
        device.wait()

    def not_captured(_: object) -> Replay:
        raise NotCaptured("it waits")

    monkeypatch.setattr(clock, "replay_of", not_captured)
    assert clock.work_s(call, 2e-3) == pytest.approx(2e-3)


def test_a_queued_call_finds_nothing_of_it_in_the_cache_either(clock: CudaClock, device: Device) -> None:
    call = device.graph()
    call()
    assert clock.device_s(call) == pytest.approx(COLD_S)


def test_each_graph_is_timed_with_nothing_of_it_in_the_cache(clock: CudaClock, device: Device) -> None:
    assert clock.replayed_s(Replay([device.graph() for _ in range(4)])) == pytest.approx(COLD_S)


def test_every_hardware_queue_is_used_before_anything_is_timed(clock: CudaClock, device: Device) -> None:
    device.used_before.clear()
    for _ in range(3):
        clock.device_s(lambda: device.work(1e-4))
    assert all(used >= 8 for used in device.used_before)
