"""Two modes between replicates."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.judge.compare import judge
from perfkit.judge.modes import FEWEST, two_modes
from perfkit.judge.verdict import Verdict
from perfkit.record.replicate import RoundModes
from tests.judge.helpers import HURT, baseline_of, others, row_of
from tests.support import make_run, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.record.replicate import Run

FAST_S, SLOW_S = 334e-6, 364e-6


def scores(*times_s: float) -> list[float]:
    """As a replicate has them, each a little off."""
    return [-math.log(time_s * (1 + 1e-4 * number)) for number, time_s in enumerate(times_s)]


def test_a_side_that_has_both_modes_tells_of_them() -> None:
    modes = two_modes(scores(FAST_S, FAST_S, FAST_S, SLOW_S, FAST_S), scores(SLOW_S, SLOW_S))
    assert modes is not None
    assert (modes.fast, modes.slow) == (4, 3)
    assert modes.fast_s == pytest.approx(FAST_S, rel=1e-3)
    assert modes.slow_s == pytest.approx(SLOW_S, rel=1e-3)
    assert str(modes).startswith("two modes: 0.3341 ms in 4 replicates of both sides, 0.364")


@pytest.mark.parametrize(
    ("baseline", "current"),
    [
        ([FAST_S] * 5, [SLOW_S] * 3),  # each side in its own: a change
        ([SLOW_S] * 5, [FAST_S] * 3),
        ([FAST_S, FAST_S, SLOW_S], [SLOW_S, SLOW_S]),  # too few to tell
        ([FAST_S, FAST_S, FAST_S, SLOW_S], [FAST_S, FAST_S]),  # a single outlier
        ([1.00, 1.00, 1.015, 1.015], [1.00, 1.00]),  # too near to matter
        ([1.00, 1.02, 1.06, 1.08], [1.00, 1.04]),  # one wide mode
    ],
)
def test_what_is_not_two_modes(baseline: list[float], current: list[float]) -> None:
    assert two_modes(scores(*baseline), scores(*current)) is None


@given(st.lists(st.floats(-10, 0), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_replicates_does_not_matter(drawn: list[float], rng: random.Random) -> None:
    before, after = drawn[::2], drawn[1::2]
    expected = two_modes(before, after)
    rng.shuffle(before)
    rng.shuffle(after)
    assert two_modes(before, after) == expected


@pytest.mark.parametrize("count", [FEWEST, 8])
def test_chance_hardly_ever_makes_two(count: int) -> None:
    rng = random.Random(count)  # noqa: S311
    nights = [[rng.gauss(0, 0.1) for _ in range(count)] for _ in range(4000)]
    assert sum(two_modes(night[:-1], night[-1:]) is not None for night in nights) < 0.008 * len(nights)


def test_a_night_in_the_slower_mode_is_no_regression_and_one_beyond_it_is() -> None:
    """The baseline was slow now and then; tonight all replicates are."""

    def replicates(*factors: float, first_day: int) -> list[Run]:
        return [make_run(slowed(usual_times(), HURT, f), day=first_day + n) for n, f in enumerate(factors)]

    baseline = baseline_of(*replicates(1, 1, 1, 1, 1, 1, 1.3, first_day=1))
    judgement = judge(baseline, replicates(1.3, 1.3, 1.3, first_day=20))
    row = row_of(judgement)
    assert (row.verdict, row.reason) == (Verdict.INCONCLUSIVE, "two modes, and which of them is chance")
    assert row.notes[-1].startswith("two modes: ")
    assert others(judgement) == {Verdict.PASS}
    beyond = row_of(judge(baseline, replicates(1.9, 1.9, 1.9, first_day=20)))
    assert beyond.verdict is Verdict.REGRESSED


def test_a_wall_time_that_follows_its_device_is_the_same_mode() -> None:
    """One fact told by two clocks; a wall time that rose by more is another one."""
    before = enumerate([1, 1, 1, 1, 1.2], start=1)
    baseline = baseline_of(*(make_run(slowed(usual_times(), HURT, factor), day=day) for day, factor in before))
    runs = [make_run(slowed(usual_times(), HURT, 1.2), day=day) for day in range(20, 27)]
    assert row_of(judge(baseline, runs)).verdict is Verdict.INCONCLUSIVE
    launching = [waiting_longer(run, 2.0) for run in runs]
    assert row_of(judge(baseline, launching)).verdict is Verdict.REGRESSED


def waiting_longer(run: Run, factor: float) -> Run:
    samples = []
    for sample in run.replicate.samples:
        wall = sample.wall
        if sample.case == HURT:
            assert wall.log_speedup is not None
            longer = {"variant_s": wall.variant_s * factor, "log_speedup": wall.log_speedup - math.log(factor)}
            wall = wall.model_copy(update=longer)
        samples.append(sample.model_copy(update={"wall": wall}))
    return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})


def bimodal(run: Run, slow_by: float = 1.3) -> Run:
    """The rounds of the hurt case have two modes, by the device's clock."""
    samples = []
    for sample in run.replicate.samples:
        if sample.case == HURT:
            assert sample.device is not None
            fast_s = sample.device.variant_s
            modes = RoundModes(fast_s=fast_s, slow_s=fast_s * slow_by, fast=11, slow=9)
            sample = sample.model_copy(update={"device": sample.device.model_copy(update={"modes": modes})})  # noqa: PLW2901
        samples.append(sample)
    return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})


def test_one_odd_process_of_the_other_side_excuses_nothing() -> None:
    """Modes 40% apart in one of five processes are unusual; those 3% apart in tonight's are narrower than the loss."""
    baseline = [make_run(day=1), *(make_run(day=day) for day in range(2, 6))]
    baseline[0] = bimodal(baseline[0], 1.4)
    night = bimodal(make_run(slowed(usual_times(), HURT, 1.2), day=20), 1.03)
    row = row_of(judge(baseline_of(*baseline), [night]))
    assert row.verdict is Verdict.REGRESSED
    assert any(note.startswith("two modes within 2 of 6 replicates of both sides") for note in row.notes)


WITHIN = "two modes within a process, and which of them its median takes is chance"


@pytest.mark.parametrize(
    ("before", "after", "slower", "verdict"),
    [
        (0, 3, 1.2, Verdict.INCONCLUSIVE),  # where the median falls is chance
        (5, 0, 1.2, Verdict.INCONCLUSIVE),
        (5, 0, 0.8, Verdict.INCONCLUSIVE),
        (0, 2, 1.2, Verdict.INCONCLUSIVE),
        (0, 1, 1.2, Verdict.REGRESSED),  # one replicate of three: the others know
        (2, 1, 1.2, Verdict.REGRESSED),
        (5, 3, 1.4, Verdict.REGRESSED),  # farther than the modes lie apart
        (5, 3, 1.0, Verdict.PASS),  # nothing moved
    ],
)
def test_a_median_between_two_modes_is_no_change(before: int, after: int, slower: float, verdict: Verdict) -> None:
    baseline = [make_run(day=day) for day in range(1, 6)]
    night = [make_run(slowed(usual_times(), HURT, slower), day=day) for day in (20, 21, 22)]
    baseline[:before] = map(bimodal, baseline[:before])
    night[:after] = map(bimodal, night[:after])
    judgement = judge(baseline_of(*baseline), night)
    row = row_of(judgement)
    assert row.verdict is verdict
    assert (row.reason == WITHIN) is (verdict is Verdict.INCONCLUSIVE)
    assert row.notes[-1].startswith(f"two modes within {before + after} of 8 replicates of both sides: ")
    assert row.notes[-1].endswith(" ms in 9 rounds of one")
    assert others(judgement) == {Verdict.PASS}


@given(st.lists(st.floats(1.0, 2.0), min_size=2, max_size=6), st.floats(1.05, 1.6))
@settings(max_examples=25)
def test_a_slower_variant_gets_no_better_verdict_for_its_modes(factors: list[float], slow_by: float) -> None:
    baseline = baseline_of(*(make_run(day=day) for day in range(1, 6)))
    order = [Verdict.IMPROVED, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.REGRESSED]
    found = []
    for factor in sorted(factors):
        night = [make_run(slowed(usual_times(), HURT, factor), day=day) for day in (20, 21, 22)]
        found.append(order.index(row_of(judge(baseline, [bimodal(run, slow_by) for run in night])).verdict))
    assert found == sorted(found)
