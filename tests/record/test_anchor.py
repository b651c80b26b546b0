from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.judge.anchors import distance
from perfkit.judge.metric import Metric
from perfkit.record.anchor import Anchor, anchor_of
from tests.support import CPU, case, make_run

HURT = case("trt-int8")
times_s = st.floats(min_value=1e-5, max_value=10)


def anchor(reference_s: float, variant_s: float) -> Anchor:
    level = anchor_of(HURT, [make_run({HURT: (reference_s, variant_s)}, rounds=5).replicate])
    assert level is not None
    return level


def test_a_level_is_the_mean_over_replicates_on_the_log_scale() -> None:
    replicates = [
        make_run({HURT: (8e-3, time_s)}, day=day, jitter=0).replicate for day, time_s in ((1, 1e-3), (2, 4e-3))
    ]
    level = anchor_of(HURT, replicates)
    assert level is not None
    assert level.device is not None
    assert level.device.variant_s == pytest.approx(2e-3)
    assert level.device.log_speedup == pytest.approx(math.log(4))
    assert (level.replicates, level.datetime[:10], level.commit) == (2, "2030-01-02", f"{2:040x}")


def test_what_nobody_measured_has_no_level() -> None:
    assert anchor_of(case(model="vgg16"), [make_run().replicate]) is None
    cpu = anchor_of(case(), [make_run(hardware=CPU).replicate])
    assert cpu is not None
    assert cpu.device is None


@given(times_s, times_s, times_s, times_s)
def test_a_changed_machine_brings_its_times_and_leaves_the_speedup(
    reference_s: float, variant_s: float, new_reference_s: float, new_variant_s: float
) -> None:
    old, now = anchor(reference_s, variant_s), anchor(new_reference_s, new_variant_s)
    moved = old.on_a_changed_machine(now)
    assert moved.device is not None
    assert now.device is not None
    assert old.device is not None
    assert moved.device.reference_s == now.device.reference_s
    assert moved.device.log_speedup == old.device.log_speedup
    assert Metric.DEVICE_SPEEDUP.score(moved.sample) == Metric.DEVICE_SPEEDUP.score(old.sample)
    assert old.device.log_speedup is not None
    # What would be no time any more is the shortest or the longest that there is.
    expected = new_reference_s * math.exp(-old.device.log_speedup)
    assert moved.device.variant_s == pytest.approx(min(max(expected, 1e-9), 1e5), rel=0.05)
    assert (moved.datetime, moved.replicates) == (old.datetime, old.replicates)


@given(times_s, times_s, times_s)
def test_a_distance_is_the_other_way_round_with_the_sides_swapped(
    reference_s: float, one_s: float, other_s: float
) -> None:
    one, other = anchor(reference_s, one_s), anchor(reference_s, other_s)
    assert distance(one, other) == -distance(other, one)
    assert distance(one, other) == pytest.approx(math.log(one_s / other_s), abs=0.05)
