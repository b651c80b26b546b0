from __future__ import annotations

import gc
import itertools
from collections import defaultdict
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.measure.clock import Clock
from perfkit.measure.replay import Replay, count_graphs
from perfkit.measure.rounds import RoundRecorder, count_rounds, timed_calls
from perfkit.measure.watch import Watch
from perfkit.record.schema import DeviceBy
from tests.measure.fake_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterable


class Bench:
    """A recorder whose calls are written down, driven as pytest-benchmark drives it."""

    def __init__(
        self,
        device_s: Iterable[float | None] | None = None,
        reference_calls: int = 1,
        variant_calls: int = 1,
        *,
        replays: bool = False,
        disturbed: Iterable[str | None] = itertools.repeat(None),
    ) -> None:
        self.calls: list[str] = []
        watchers: list[Any] = [SimpleNamespace(start=dict, look=partial(next, iter(disturbed)), seen=dict)]
        self.clock = FakeClock(itertools.count(1.0), device_s=device_s)
        self.recorder = RoundRecorder(
            clock=self.clock,
            reference=self._call,
            variant=self._call,
            inputs=[(f"reference {name}", f"variant {name}") for name in "ab"],
            reference_calls=reference_calls,
            variant_calls=variant_calls,
            replays=(self._replay_of("reference"), self._replay_of("variant")) if replays else None,
            watch=Watch(watchers),
        )

    def _replay_of(self, side: str) -> Replay:
        return Replay([partial(self._replay, f"{side} graph {number}") for number in (1, 2)])

    def _replay(self, name: str) -> None:
        self.calls.append(f"settle {name}" if self.clock.settling else name)

    def _call(self, images: str) -> None:
        self.calls.append(f"settle {images}" if self.clock.settling else images)
        self.clock.work()

    def run(self, rounds: int) -> list[float]:
        times_s = []
        for _ in range(rounds * self.recorder.variant_calls):
            images = self.recorder.before()
            times_s.append(self.clock.wall_s(partial(self._call, images)))
            self.recorder.after()
        return times_s


def test_the_order_alternates_and_both_sides_get_the_same_pictures() -> None:
    bench = Bench()
    rounds = bench.recorder.rounds(bench.run(4))
    assert rounds.order == "RVRV"
    timed = [images for images in bench.calls if not images.startswith("settle")]
    assert timed == [
        "reference a", "variant a",
        "variant b", "reference b",
        "reference a", "variant a",
        "variant b", "reference b",
    ]  # fmt: skip
    assert rounds.variant_wall_s == [2.0, 3.0, 6.0, 7.0]
    assert rounds.reference_wall_s == [1.0, 4.0, 5.0, 8.0]
    assert rounds.reference_device_s is rounds.variant_device_s is None


def test_each_timed_call_comes_behind_calls_of_its_own_side() -> None:
    """Else it would meet the threads and caches that the other side left behind."""
    bench = Bench()
    bench.run(4)
    assert bench.calls[::2] == [f"settle {images}" for images in bench.calls[1::2]]


def test_a_round_of_several_calls_is_their_median() -> None:
    """All calls of one side follow each other, on pictures that rotate, behind one settling."""
    bench = Bench(reference_calls=2, variant_calls=3)
    rounds = bench.recorder.rounds(bench.run(2))
    assert bench.calls == [
        "settle reference a", "reference a", "reference b",
        "settle variant a", "variant a", "variant b", "variant a",
        "settle variant b", "variant b", "variant a", "variant b",
        "settle reference b", "reference b", "reference a",
    ]  # fmt: skip
    assert (rounds.order, rounds.reference_calls, rounds.variant_calls) == ("RV", 2, 3)
    assert rounds.reference_wall_s == [1.5, 9.5]
    assert rounds.variant_wall_s == [4.0, 7.0]


@given(st.floats(1e-3, 1), st.floats(0, 0.2))
def test_settling_lasts_its_time_and_one_call_at_least(call_s: float, settle_s: float) -> None:
    clock = FakeClock(itertools.repeat(call_s))
    clock.settle_s = settle_s
    Clock.settle(clock, clock.work)
    assert clock.now_s() >= settle_s
    assert clock.now_s() < settle_s + call_s * (1 + 1e-9) or clock.now_s() == call_s


@given(st.floats(1e-9, 1e3))
def test_short_calls_are_timed_several_times(typical_s: float) -> None:
    count = timed_calls(typical_s)
    assert 1 <= count <= 16
    assert count == 16 or count * typical_s >= 0.01 * (1 - 1e-9)
    assert count == 1 or (count - 1) * typical_s < 0.01


def test_device_times_are_taken_once_a_side_and_round() -> None:
    """On the same pictures as the wall time, and never in place of it."""
    bench = Bench(device_s=[0.1, 0.2, 0.3, 0.4])
    rounds = bench.recorder.rounds(bench.run(2))
    assert rounds.reference_device_s == [0.1, 0.4]
    assert rounds.variant_device_s == [0.2, 0.3]
    assert len(rounds.reference_wall_s) == len(rounds.variant_wall_s) == 2
    assert bench.calls == [
        "settle reference a", "reference a", "settle reference a", "reference a",
        "settle variant a", "variant a", "settle variant a", "variant a",
        "settle variant b", "variant b", "settle variant b", "variant b",
        "settle reference b", "reference b", "settle reference b", "reference b",
    ], "wall times don't begin in the cache that device times leave empty"  # fmt: skip


@pytest.mark.parametrize("lost", range(4))
def test_device_times_are_dropped_whole(lost: int) -> None:
    """Wherever one is lost, wall times remain, and the reason is kept."""
    bench = Bench(device_s=[None if index == lost else 0.1 for index in range(8)])
    rounds = bench.recorder.rounds(bench.run(4))
    assert rounds.reference_device_s is rounds.variant_device_s is None
    assert len(rounds.reference_wall_s) == 4
    assert bench.recorder.device_time_lost == "it synchronizes by itself"


def test_replays_give_the_device_time_of_one_call() -> None:
    """Of all graphs, behind replays of the same; the calls give wall times alone."""
    bench = Bench(device_s=[0.4, 0.2, 0.3, 0.8], replays=True)
    rounds = bench.recorder.rounds(bench.run(2))
    assert rounds.reference_device_s == [0.4, 0.8]
    assert rounds.variant_device_s == [0.2, 0.3]
    assert rounds.device_by is DeviceBy.COLD
    assert bench.calls[:6] == [
        "settle reference graph 1", "settle reference graph 2", "reference graph 1", "reference graph 2",
        "settle reference a", "reference a",
    ]  # fmt: skip
    sides = [next(side for side in ("reference", "variant") if side in call) for call in bench.calls[::6]]
    assert sides == ["reference", "variant", "variant", "reference"]


def test_queued_device_times_say_so() -> None:
    bench = Bench(device_s=[0.1] * 4)
    assert bench.recorder.rounds(bench.run(2)).device_by is DeviceBy.COLD_QUEUED


def test_a_disturbed_round_is_left_out_on_both_sides_and_all_clocks() -> None:
    bench = Bench(device_s=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], variant_calls=2, disturbed=[None, "hot", None])
    rounds = bench.recorder.rounds(bench.run(3))
    assert rounds.order == "RR"
    assert rounds.reference_wall_s == [2.0, 12.0]
    assert rounds.variant_wall_s == [4.5, 14.5]
    assert (rounds.reference_device_s, rounds.variant_device_s) == ([0.1, 0.5], [0.2, 0.6])


@given(st.floats(1e-6, 10))
def test_graphs_are_even_in_number(typical_s: float) -> None:
    assert count_graphs(typical_s) in (2, 4)


@given(st.integers(1, 50))
def test_both_orders_are_equally_frequent(pairs: int) -> None:
    bench = Bench()
    order = bench.recorder.rounds(bench.run(2 * pairs)).order
    assert order.count("R") == order.count("V") == pairs


bounds = st.tuples(st.integers(5, 200), st.integers(5, 200)).map(sorted)
seconds = st.just(0.0) | st.floats(1e-9, 1e6)


@pytest.mark.case("A07")
@given(seconds, bounds, seconds)
def test_the_count_of_rounds_keeps_its_bounds(round_s: float, limits: list[int], budget_s: float) -> None:
    """An odd bound is rounded up to the pair."""
    minimum, maximum = limits
    count = count_rounds(round_s, minimum=minimum, maximum=maximum, budget_s=budget_s)
    assert count % 2 == 0
    assert minimum <= count <= maximum + maximum % 2


@given(st.floats(1e-6, 1e3), bounds, st.floats(0, 1e3))
def test_more_time_never_means_fewer_rounds(round_s: float, limits: list[int], budget_s: float) -> None:
    count = {
        factor: count_rounds(round_s, minimum=limits[0], maximum=limits[1], budget_s=budget_s * factor)
        for factor in (1, 2)
    }
    assert count[1] <= count[2]
    assert count[1] * round_s <= max(budget_s + 2 * round_s, (limits[0] + 1) * round_s * (1 + 1e-9))


def test_a_call_without_a_time_is_no_round() -> None:
    """With --benchmark-cprofile pytest-benchmark calls once more, through set-up and tear-down."""
    bench = Bench()
    times_s = bench.run(3)
    assert bench.recorder.rounds(times_s[:2]).order == "RV"


def test_the_collector_rests_around_both_sides_timed_calls() -> None:
    bench = Bench(reference_calls=3)
    seen: dict[str, set[bool]] = defaultdict(set)
    work = bench.clock.work

    def noting() -> None:
        seen[bench.calls[-1].split()[0]].add(gc.isenabled())
        work()

    bench.clock.work = noting  # type: ignore[method-assign]
    bench.run(2)
    assert seen["reference"] == {False}
    assert gc.isenabled()
