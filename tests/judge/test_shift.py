"""What all cases share: a driver, clocks, a host, a fast night."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from perfkit.catalog.config import Judging
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import FindingKind, Moved, Verdict
from tests.judge.helpers import (
    HURT,
    baseline_of,
    judged,
    kinds,
    others,
    row_of,
    scaled,
    usual_baseline,
)
from tests.support import (
    CPU,
    GPU,
    case,
    make_run,
    slowed,
    usual_times,
)

if TYPE_CHECKING:
    from perfkit.record.replicate import Run, Sample
    from perfkit.record.schema import Hardware


def with_host(run: Run, host_s: float, *, reference_too: bool = False, launches: float = 1.0) -> Run:
    """Wall times are the device's and the host's; for one engine the host has little to do.

    ``reference_too``: nor for its reference; ``launches``: the engine's wall time is longer by that factor.
    """
    samples = []
    for sample in run.replicate.samples:
        device = sample.device
        assert device is not None
        assert device.reference_s is not None
        share, factor = (0.02, launches) if sample.case == HURT else (1, 1)
        variant_s = (device.variant_s + host_s * share) * factor
        reference_s = device.reference_s + host_s * (share if reference_too else 1)
        wall = sample.wall.model_copy(
            update={
                "variant_s": variant_s,
                "reference_s": reference_s,
                "log_speedup": math.log(reference_s / variant_s),
            }
        )
        samples.append(sample.model_copy(update={"wall": wall}))
    return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})


def test_a_faster_host_leaves_an_engine_that_waits_for_its_device() -> None:
    """Its wall speedup falls with the reference's wall time, and by more than its launches gain: nothing got slower."""
    baseline = baseline_of(*(with_host(make_run(day=day), 20e-3) for day in (1, 2, 3)))
    judgement = judge(baseline, [with_host(make_run(day=9), 10e-3)])
    wall = row_of(judgement).metric(Metric.WALL_SPEEDUP)
    assert wall is not None
    assert wall.change_pct is not None
    assert wall.change_pct < -20
    assert judgement.counts == {Verdict.PASS: 12}


def test_slower_launching_is_told_beside_a_reference_that_waits_for_its_device() -> None:
    """The reference's wall time stands still for it is the device's; that is no host that slowed both down."""
    baseline = baseline_of(*(with_host(make_run(day=day), 20e-3, reference_too=True) for day in (1, 2, 3)))
    judgement = judge(baseline, [with_host(make_run(day=9), 20e-3, reference_too=True, launches=1.8)])
    wall = row_of(judgement).metric(Metric.WALL_TIME)
    assert wall is not None
    assert wall.verdict is Verdict.REGRESSED
    assert others(judgement) == {Verdict.PASS}


def test_an_engine_that_keeps_its_time_while_all_others_get_faster_is_not_slower() -> None:
    """What a process does to kernels that are launched one by one, it doesn't do to a replayed graph."""
    times = scaled(usual_times(), reference=0.93, variant=0.93)
    reference_s, variant_s = times[HURT]
    judgement = judged({**times, HURT: (reference_s, variant_s / 0.93)})
    time = row_of(judgement).metric(Metric.DEVICE_TIME)
    assert time is not None
    assert time.verdict is Verdict.PASS
    # Its speedup fell all the same, and by its own doing.
    assert row_of(judgement).verdict is Verdict.REGRESSED
    slower = judged({**times, HURT: (reference_s, variant_s / 0.93 * 1.05)})
    time = row_of(slower).metric(Metric.DEVICE_TIME)
    assert time is not None
    assert time.verdict is Verdict.REGRESSED


def test_sides_that_part_share_no_shift() -> None:
    judgement = judged(scaled(usual_times(), reference=0.8, variant=1.25))
    assert FindingKind.COMMON_SHIFT not in kinds(judgement)
    assert row_of(judgement).verdict is Verdict.REGRESSED
    assert row_of(judgement).moved is Moved.BOTH


@pytest.mark.case("C16b")
def test_everything_slower_is_one_finding_and_inconclusive() -> None:
    judgement = judged(scaled(usual_times(), reference=1.3, variant=1.3))
    assert judgement.counts == {Verdict.INCONCLUSIVE: 12}
    assert {row.moved for row in judgement.rows} == {Moved.COMMON}
    shifts = [f for f in judgement.findings if f.kind is FindingKind.COMMON_SHIFT]
    assert len(shifts) == 1
    assert "device time +2" in shifts[0].text or "device time +3" in shifts[0].text
    assert judgement.exit_code is ExitCode.INCONCLUSIVE


def test_who_stands_still_is_not_slower_together_with_others() -> None:
    """The middle of all cases needn't be anybody's: of one that didn't move nothing is said."""
    times = {
        case(variant, model=f"model-{number}"): (4e-3, 4e-3 / speedup)
        for number in range(6)
        for variant, speedup in (("eager-fp32", 1.0), ("trt-fp16", 4.0), ("trt-int8", 5.0))
    }
    hit = {c: (r * 1.3, v * 1.3) if c.model < "model-4" else (r, v) for c, (r, v) in times.items()}
    baseline = baseline_of(*(make_run(times, day=day) for day in range(1, 6)))
    rows = judge(baseline, [make_run(hit, day=day) for day in (10, 11, 12)]).rows
    assert {row.verdict for row in rows if row.model >= "model-4"} == {Verdict.PASS}
    assert {(row.verdict, row.moved) for row in rows if row.model < "model-4"} == {(Verdict.INCONCLUSIVE, Moved.COMMON)}


@pytest.mark.parametrize("hardware", [CPU, GPU])
@pytest.mark.parametrize("variants", [2, 4, 6, 8])
def test_a_common_slowdown_is_told_of_one_model_too(hardware: Hardware, variants: int) -> None:
    """Cases of one model at one shape: nothing but the shift itself could pass for a night's scatter."""
    times = {case(f"v{number}"): (4e-3, 1e-3 * (1 + number)) for number in range(variants)}
    times[case("eager-fp32")] = (4e-3, 4e-3)
    before = baseline_of(*(make_run(times, day=day, hardware=hardware) for day in range(1, 6)))
    slower = [make_run(scaled(times, reference=1.3, variant=1.3), day=day, hardware=hardware) for day in (9, 10, 11)]
    judgement = judge(before, slower)
    assert FindingKind.COMMON_SHIFT in kinds(judgement)
    assert {row.verdict for row in judgement.rows} == {Verdict.INCONCLUSIVE}
    all_variants = scaled(times, variant=1.3) | {case("eager-fp32"): (4e-3, 4e-3)}
    worse = [make_run(all_variants, day=day, hardware=hardware) for day in (9, 10)]
    assert {row.verdict for row in judge(before, worse).rows if row.variant != "eager-fp32"} == {Verdict.REGRESSED}


def test_everything_faster_is_a_finding_and_no_fault() -> None:
    judgement = judged(scaled(usual_times(), reference=0.7, variant=0.7))
    assert judgement.counts == {Verdict.PASS: 12}
    assert FindingKind.COMMON_SHIFT in kinds(judgement)
    assert judgement.exit_code is ExitCode.PASS


def test_a_regression_stands_out_of_a_common_shift() -> None:
    judgement = judged(slowed(scaled(usual_times(), reference=1.3, variant=1.3), HURT, 1.2))
    assert row_of(judgement).verdict is Verdict.REGRESSED
    assert others(judgement) == {Verdict.INCONCLUSIVE}
    assert judgement.exit_code is ExitCode.FAIL


def test_one_case_without_a_device_clock_makes_no_other_judged_more_sharply() -> None:
    """By wall times beside a device's clock an alarm is raised more rarely, whichever clock decides another case."""

    def holding(run: Run, samples: list[Sample]) -> Run:
        return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})

    def seen_pct(runs: list[Run]) -> float:
        row = row_of(judge(baseline_of(*runs[:-1]), runs[-1:]), HURT._replace(model="mobilenet_v2"))
        wall = row.metric(Metric.WALL_TIME)
        assert wall is not None
        assert wall.detectable_pct is not None
        return wall.detectable_pct

    runs = [make_run(day=day, between=0.05) for day in range(1, 7)]
    blind, alone = [], []
    for run in runs:
        rest = [sample for sample in run.replicate.samples if sample.case != HURT]
        (hurt,) = [sample for sample in run.replicate.samples if sample.case == HURT]
        blind.append(holding(run, [*rest, hurt.model_copy(update={"device": None})]))
        alone.append(holding(run, rest))
    assert seen_pct(blind) == pytest.approx(seen_pct(alone), rel=0.01)


def test_a_projects_minimum_hides_no_common_slowdown() -> None:
    limits = Limits((("*", Judging(minimum_effect={"device time": 0.5, "wall time": 0.5})),))
    slower = make_run(scaled(usual_times(), reference=1.3, variant=1.3), day=9)
    judgement = judge(usual_baseline(), [slower], limits)
    assert FindingKind.COMMON_SHIFT in kinds(judgement)


def test_a_gain_too_small_to_be_told_excuses_nobody() -> None:
    """A machine that is 1.5% faster: an engine that lost 2.4% in all its cases is slower than before."""
    times = {
        case(variant, model=f"model-{number}"): (4e-3, 4e-3 / speedup)
        for number in range(6)
        for variant, speedup in (("eager-fp32", 1.0), ("eager-fp16", 1.2), ("inductor-fp16", 1.5), ("trt-fp16", 4.0))
    }
    after = {c: (r * 0.985, v * 0.985 * (1.024 if c.variant == "trt-fp16" else 1.0)) for c, (r, v) in times.items()}
    baseline = baseline_of(*(make_run(times, day=day, jitter=0.0005) for day in range(1, 6)))
    judgement = judge(baseline, [make_run(after, day=day, jitter=0.0005) for day in (10, 11, 12)])
    assert FindingKind.COMMON_SHIFT not in kinds(judgement)
    assert {row.verdict for row in judgement.rows if row.variant == "trt-fp16"} == {Verdict.REGRESSED}
    assert {row.verdict for row in judgement.rows if row.variant != "trt-fp16"} == {Verdict.PASS}
