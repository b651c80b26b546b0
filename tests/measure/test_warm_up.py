from __future__ import annotations

import itertools
import statistics
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.measure.rounds import shape_change_s, warm_up
from tests.measure.fake_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterable


def warmed(durations_s: Iterable[float], max_s: float = 5.0, inputs: int = 1) -> tuple[Any, list[int]]:
    clock, called = FakeClock(durations_s), []

    def call(index: int) -> None:
        called.append(index)
        clock.work()

    return warm_up(clock, [partial(call, index) for index in range(inputs)], max_s), called


def test_settled_times_end_the_warm_up_after_two_windows() -> None:
    result, called = warmed(itertools.repeat(0.01))
    assert (result.calls, result.stable) == (10, True)
    assert result.typical_s == pytest.approx(0.01)
    assert len(called) == 10


@pytest.mark.case("B13")
def test_a_slow_first_call_is_told_and_does_not_count() -> None:
    result, _ = warmed(itertools.chain([2.0], itertools.repeat(0.01)), max_s=1.0)
    assert result.stable
    assert result.typical_s == pytest.approx(0.01)


def test_what_follows_another_shape_is_timed_alone() -> None:
    clock = FakeClock([5.0, 0.3, 5.0, 0.1, 5.0, 0.2])
    called: list[str] = []

    def call(inputs: str) -> None:
        called.append(inputs)
        clock.work()

    assert shape_change_s(clock, call, "here", "elsewhere") == pytest.approx(0.2)
    assert called == ["elsewhere", "here"] * 3


def test_falling_times_are_waited_for() -> None:
    """Ten calls at a falling pace, then a steady one: the windows agree only when both lie behind the fall."""
    falling = [2.0**-i for i in range(10)]
    result, _ = warmed(itertools.chain(falling, itertools.repeat(0.001)), max_s=100)
    assert result.stable
    assert 15 <= result.calls <= 20
    assert result.typical_s == pytest.approx(0.001)


def test_times_that_never_settle_end_by_the_limit() -> None:
    growing = (1.1**i for i in itertools.count())
    result, _ = warmed(growing, max_s=100.0)
    assert not result.stable
    assert sum(1.1**i for i in range(result.calls - 1)) <= 100 < sum(1.1**i for i in range(result.calls))


def test_even_long_calls_fill_two_windows() -> None:
    result, _ = warmed((10.0 * 2**i for i in itertools.count()), max_s=1.0)
    assert (result.calls, result.stable) == (10, False)


def test_inputs_take_turns() -> None:
    _, called = warmed(itertools.repeat(0.01), inputs=3)
    assert called == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]


@given(st.lists(st.floats(1e-6, 10), min_size=10, max_size=40), st.floats(0, 50))
def test_a_warm_up_is_finite_and_tells_what_it_saw(times_s: list[float], max_s: float) -> None:
    clock = itertools.chain(times_s, itertools.repeat(times_s[-1]))
    result, called = warmed(clock, max_s)
    seen = [*times_s, *[times_s[-1]] * (len(called) - len(times_s))][: len(called)]
    assert result.calls == len(called) >= 10
    assert result.typical_s == pytest.approx(statistics.median(seen[-5:]))
    assert result.stable or sum(seen) > max_s * (1 - 1e-9)
