from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.judge.anchors import distance, measured_otherwise
from perfkit.judge.levels import CaseLevel
from perfkit.judge.metric import Metric
from perfkit.record.anchor import Anchor, anchor_of
from tests.support import CPU, case, make_run

if TYPE_CHECKING:
    from perfkit.record.replicate import Replicate, Run

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


def with_samples(run: Run, **update: object) -> Replicate:
    samples = [sample.model_copy(update=update) for sample in run.replicate.samples]
    return run.replicate.model_copy(update={"samples": samples})


def test_a_spoiled_sample_is_no_part_of_a_level() -> None:
    sound = make_run({HURT: (8e-3, 1e-3)}, jitter=0).replicate
    spoiled = with_samples(make_run({HURT: (8e-3, 4e-3)}, day=2), spoiled=True)
    assert anchor_of(HURT, [sound, spoiled]) == anchor_of(HURT, [sound])
    assert anchor_of(HURT, [spoiled]) is None


def test_between_queued_and_replayed_device_times_there_is_no_distance() -> None:
    queued = anchor(8e-3, 1e-3)
    replayed = anchor_of(HURT, [with_samples(make_run({HURT: (8e-3, 1e-3)}), comparability={"device_by": "replayed"})])
    assert replayed is not None
    assert distance(queued, replayed) is None
    assert distance(replayed, replayed) == 0
    assert measured_otherwise(queued, replayed) == "device_by queued -> replayed"
    # One that was stored before anybody wrote down how: queued.
    older = queued.model_copy(update={"device_by": None})
    assert measured_otherwise(replayed, older) == "device_by replayed -> queued"
    assert distance(queued, older) == 0
    assert CaseLevel(HURT, replayed, queued).since_anchor_pct is None
    assert CaseLevel(HURT, queued, older).since_anchor_pct == 0


def test_without_device_times_walls_are_compared() -> None:
    level = anchor(8e-3, 1e-3)
    wall = level.model_copy(update={"device": None, "device_by": None})
    replayed = level.model_copy(update={"device_by": "replayed"})
    assert distance(wall, replayed) == 0


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
    there, back = distance(one, other), distance(other, one)
    assert there is not None
    assert back is not None
    assert there == -back
    assert there == pytest.approx(math.log(one_s / other_s), abs=0.05)
