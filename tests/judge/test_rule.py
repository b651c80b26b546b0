from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import Platform
from perfkit.judge import rule
from perfkit.judge.metric import Metric

scores = st.lists(st.floats(-3, 3), min_size=1, max_size=8)


def test_the_threshold_by_hand() -> None:
    """Three baseline replicates at -1 %, 0 and +1 %, an assumed spread of 2 %, one current."""
    effect = rule.effect_of([-0.01, 0.0, 0.01], [-0.1], [0.004], spread=0.02, minimum=0.0)
    variance = (4 * 0.02**2 + 2 * 0.01**2) / (4 + 2)
    assert effect.size == -0.1
    assert effect.threshold == pytest.approx(3 * math.sqrt(variance * (1 / 3 + 1) + 0.004**2))
    assert effect.is_worse
    assert not effect.is_better


def test_the_minimum_effect_is_a_floor() -> None:
    effect = rule.effect_of([0.0] * 9, [0.03] * 9, [], spread=1e-6, minimum=0.02)
    assert effect.threshold == 0.02
    assert effect.is_better


def test_one_replicate_has_the_assumed_spread() -> None:
    assert rule.between_variance([1.7], 0.02) == pytest.approx(0.02**2)


def test_many_replicates_have_their_own() -> None:
    rng = random.Random(5)  # noqa: S311
    drawn = [rng.gauss(0, 0.1) for _ in range(400)]
    assert math.sqrt(rule.between_variance(drawn, 0.001)) == pytest.approx(0.1, rel=0.1)


@given(baseline=scores, current=scores, spread=st.floats(1e-4, 0.5))
def test_order_of_replicates_does_not_matter(baseline: list[float], current: list[float], spread: float) -> None:
    one = rule.effect_of(baseline, current, [], spread, 0.02)
    other = rule.effect_of(baseline[::-1], sorted(current), [], spread, 0.02)
    assert one.size == other.size
    assert one.threshold == pytest.approx(other.threshold)


@given(baseline=scores, current=scores, shift=st.floats(-5, 5))
def test_a_common_factor_changes_nothing(baseline: list[float], current: list[float], shift: float) -> None:
    one = rule.effect_of(baseline, current, [], 0.02, 0.02)
    moved = rule.effect_of([score + shift for score in baseline], [score + shift for score in current], [], 0.02, 0.02)
    assert moved.size == pytest.approx(one.size, abs=1e-9)
    assert moved.threshold == pytest.approx(one.threshold, abs=1e-9)


def false_alarms(nights: int, spread: float, true_spread: float) -> float:
    """Share of unchanged cases that look slower."""
    rng = random.Random(nights)  # noqa: S311
    trials = 4000
    alarms = 0
    for _ in range(trials):
        baseline = [rng.gauss(0, true_spread) for _ in range(nights)]
        current = [rng.gauss(0, true_spread)]
        alarms += rule.effect_of(baseline, current, [], spread, 0.0).is_worse
    return alarms / trials


@pytest.mark.parametrize("nights", [1, 3, 8])
def test_false_alarms_are_rare_where_the_assumption_holds(nights: int) -> None:
    assert false_alarms(nights, 0.02, 0.02) < 0.005


def test_false_alarms_where_the_spread_is_twice_the_assumed() -> None:
    """The limit that docs/judging.md names: one replicate can't know, eight nearly do."""
    one, eight = false_alarms(1, 0.02, 0.04), false_alarms(8, 0.02, 0.04)
    assert 0.05 < one < 0.09
    assert eight < 0.03


@pytest.mark.parametrize(
    ("metric", "platform"),
    [
        *((metric, Platform.CUDA) for metric in Metric),
        (Metric.WALL_SPEEDUP, Platform.CPU),
        (Metric.WALL_TIME, Platform.CPU),
    ],
)
def test_every_metric_has_an_assumed_spread(metric: Metric, platform: Platform) -> None:
    assert 0 < rule.assumed_spread(metric, platform, paired=True) < 0.5


@pytest.mark.parametrize("metric", [Metric.WALL_SPEEDUP, Metric.WALL_TIME])
def test_plain_files_can_be_judged_one_against_one(metric: Metric) -> None:
    spread = rule.assumed_spread(metric, Platform.CUDA, paired=False)
    effect = rule.effect_of([0.0], [0.0], [], spread, rule.minimum_effect(metric))
    if metric.is_speedup:
        assert effect.threshold < rule.TOLERANCE
