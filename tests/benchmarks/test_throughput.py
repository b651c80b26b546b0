from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.throughput import WINDOW_S, WINDOWS, images_per_s
from perfkit.measure.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable


class Device(Clock):
    """Lanes run beside each other, each batch as long as its lane says; submitting takes the host some time."""

    has_device_time = False
    settle_s = 0.0

    def __init__(self, batch_s: list[float], submit_s: float) -> None:
        self.lanes = [self._lane(index, one_s) for index, one_s in enumerate(batch_s)]
        self._busy_until_s = [0.0] * len(batch_s)
        self._host_s = 0.0
        self._submit_s = submit_s
        self.waits = 0

    def now_s(self) -> float:
        self.waits += 1
        self._host_s = max(self._host_s, *self._busy_until_s)
        return self._host_s

    def _lane(self, index: int, one_s: float) -> Callable[[], None]:
        def submit() -> None:
            self._host_s += self._submit_s
            self._busy_until_s[index] = max(self._host_s, self._busy_until_s[index]) + one_s

        return submit

    def work_s(self, work: Callable[[], Any], typical_s: float) -> float:
        raise AssertionError((work, typical_s))

    def slowed(self, call: Callable[[Any], Any], delay_s: float) -> Callable[[Any], Any]:
        raise AssertionError((call, delay_s))


@given(st.integers(1, 8), st.floats(1e-4, 0.02), st.floats(1e-6, 1e-3), st.integers(1, 32))
def test_lanes_add_up_until_the_host_is_the_limit(lanes: int, batch_s: float, submit_s: float, batch: int) -> None:
    device = Device([batch_s] * lanes, submit_s)
    found = images_per_s(device, device.lanes, batch)
    assert len(found) == WINDOWS
    limit = batch * min(lanes / batch_s, 1 / submit_s)
    assert all(limit * 0.8 < one <= limit * (1 + 1e-9) for one in found)


def test_nothing_is_waited_for_within_a_window() -> None:
    device = Device([0.001] * 4, 1e-5)
    submitted: list[int] = []

    def seen(lane: Callable[[], None]) -> None:
        submitted.append(device.waits)
        lane()

    images_per_s(device, [partial(seen, lane) for lane in device.lanes], 1)
    last = [waits for waits in submitted if waits == submitted[-1]]
    assert len(last) * 0.001 / 4 == pytest.approx(WINDOW_S, rel=0.1)
