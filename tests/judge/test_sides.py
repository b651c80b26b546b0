"""Which side moved: verdicts of cases that both sides have."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import FindingKind, Moved, Verdict
from perfkit.record.read import run_from_json
from perfkit.record.schema import BuildFacts
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
    benchmark_of,
    case,
    make_run,
    run_data,
    slowed,
    usual_times,
)

if TYPE_CHECKING:
    from perfkit.record.replicate import Run
    from perfkit.record.schema import Hardware


def test_an_unchanged_run_passes() -> None:
    judgement = judged()
    assert judgement.counts == {Verdict.PASS: 12}
    assert judgement.exit_code is ExitCode.PASS
    assert judgement.summary == "12 compared against baseline of 12 cases: 12 PASS"
    assert {row.deciding for row in judgement.rows} == {Metric.DEVICE_SPEEDUP}


def test_ten_percent_in_one_variant_names_that_case_alone() -> None:
    judgement = judged(slowed(usual_times(), HURT, 1.1))
    assert row_of(judgement).verdict is Verdict.REGRESSED
    assert row_of(judgement).moved is Moved.VARIANT
    assert "its time +1" in row_of(judgement).reason
    assert others(judgement) == {Verdict.PASS}
    assert judgement.exit_code is ExitCode.FAIL


def test_the_same_engines_own_time_is_judged_more_sharply() -> None:
    """A rebuilt engine may move by more; one replicate can't tell, so that the assumption does."""

    def detectable_pct(*engines: str | None) -> float:
        before, after = (BuildFacts(build_s=1, engines=1, engine_sha256=engine) for engine in engines)
        row = row_of(judge(usual_baseline(nights=1, facts=before), [make_run(day=9, facts=after)]))
        time = row.metric(Metric.DEVICE_TIME)
        assert time is not None
        assert time.detectable_pct is not None
        return time.detectable_pct

    assert detectable_pct("a", "a") < 0.6 * detectable_pct("a", "b")
    assert detectable_pct("a", "b") == detectable_pct(None, None)


def test_a_faster_variant_is_improved() -> None:
    judgement = judged(slowed(usual_times(), HURT, 0.8))
    assert row_of(judgement).verdict is Verdict.IMPROVED
    assert judgement.exit_code is ExitCode.PASS


def test_a_faster_eager_excuses_fallen_speedups() -> None:
    judgement = judged(
        {c: (r * 0.7, v * (0.7 if c.variant == "eager-fp32" else 1.0)) for c, (r, v) in usual_times().items()}
    )
    variants = [row for row in judgement.rows if row.variant != "eager-fp32"]
    assert {row.verdict for row in variants} == {Verdict.PASS}
    assert {row.moved for row in variants} == {Moved.REFERENCE}
    assert "the reference's -30" in variants[0].reason or "-29" in variants[0].reason
    assert FindingKind.COMMON_SHIFT not in kinds(judgement)


def test_a_faster_eager_does_not_excuse_a_slower_variant() -> None:
    judgement = judged(slowed(scaled(usual_times(), reference=0.7), HURT, 1.2))
    assert row_of(judgement).verdict is Verdict.REGRESSED
    assert row_of(judgement).moved is Moved.BOTH


def test_a_faster_eager_excuses_no_loss_beyond_half_the_threshold() -> None:
    """2.5% is too little for the variant's own time to fail, and too much to be excused."""
    judgement = judged(slowed(scaled(usual_times(), reference=0.7), HURT, 1.025))
    row = row_of(judgement)
    assert row.verdict is Verdict.REGRESSED
    time = row.metric(Metric.DEVICE_TIME)
    assert time is not None
    assert time.verdict is Verdict.PASS


def test_a_little_faster_eager_is_not_the_variants_fault() -> None:
    """5 % is beyond the threshold of a speedup, but not beyond that of the reference's time.

    By the device's clock the variant's own time tells; by the wall clock it may have got slower on a faster machine.
    """
    row = row_of(judged(scaled(usual_times(), reference=0.95)))
    assert row.verdict is Verdict.PASS
    assert row.moved is Moved.REFERENCE
    assert "the reference's -" in row.reason
    before = usual_baseline(nights=8, between=0.001, hardware=CPU)
    judgement = judge(before, [make_run(scaled(usual_times(), reference=0.975), day=9, hardware=CPU)])
    row = row_of(judgement)
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.moved is None
    assert row.reason.startswith("the speedup fell, but by which side can't be told: its time ")


@pytest.mark.parametrize(
    ("own", "reference", "verdict", "moved"),
    [
        (1.0, 1.0, Verdict.PASS, None),
        (1.8, 1.0, Verdict.REGRESSED, Moved.HOST),
        (1.8, 1.2, Verdict.REGRESSED, Moved.HOST),
        (1.8, 1.5, Verdict.REGRESSED, Moved.HOST),
        (1.8, 1.78, Verdict.PASS, Moved.HOST),
        (1.8, 1.9, Verdict.PASS, Moved.HOST),
        (1.0, 1.9, Verdict.PASS, Moved.REFERENCE),
    ],
)
def test_a_slow_host_is_no_regression_of_one_case(
    own: float, reference: float, verdict: Verdict, moved: Moved | None
) -> None:
    """Wall times of one case rose and its device time didn't: was it the variant's launching, or the host?"""
    data = run_data(day=9)
    benchmark = benchmark_of(data, HURT)
    rounds = benchmark["extra_info"]["perfkit"]["rounds"]
    for side, factor in (("variant", own), ("reference", reference)):
        rounds[f"{side}_wall_s"] = [time * factor for time in rounds[f"{side}_wall_s"]]
    stats = benchmark["stats"]
    stats.update({name: stats[name] * own for name in ("min", "max", "mean", "median")})
    judgement = judge(usual_baseline(), [run_from_json(data, "run")])
    row = row_of(judgement)
    assert (row.verdict, row.moved) == (verdict, moved)
    if verdict is Verdict.PASS and moved is Moved.HOST:
        assert row.reason.startswith("the host slowed both sides down: its time +")
    assert others(judgement) == {Verdict.PASS}


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


def test_a_reference_that_others_share_is_not_to_blame_for_one() -> None:
    """Its own time is too restless to tell; the other variants' speedups over the same reference are not."""
    restless = {
        day: {c: (r * factor, v * factor) for c, (r, v) in usual_times().items()}
        for day, factor in enumerate((1.0, 1.4, 0.8, 1.2, 0.9, 1.3), start=1)
    }
    baseline = baseline_of(*(make_run(times, day=day) for day, times in restless.items()))
    alone = judge(baseline, [make_run(slowed(scaled(usual_times(), reference=0.9, variant=0.9), HURT, 1.08), day=9)])
    assert row_of(alone).verdict is Verdict.REGRESSED
    assert others(alone) == {Verdict.PASS}
    together = judge(baseline, [make_run(scaled(usual_times(), reference=0.9, variant=0.9 * 1.08), day=9)])
    assert Verdict.REGRESSED not in {row.verdict for row in together.rows}


def test_sides_that_part_share_no_shift() -> None:
    judgement = judged(scaled(usual_times(), reference=0.8, variant=1.25))
    assert FindingKind.COMMON_SHIFT not in kinds(judgement)
    assert row_of(judgement).verdict is Verdict.REGRESSED
    assert row_of(judgement).moved is Moved.BOTH


def test_a_slower_eager_is_no_improvement_of_the_variants() -> None:
    judgement = judged(scaled(usual_times(), reference=1.4))
    assert {row.verdict for row in judgement.rows if row.variant != "eager-fp32"} == {Verdict.PASS}
    assert row_of(judgement).moved is Moved.REFERENCE


def test_a_slower_variant_behind_a_slower_reference_is_regressed() -> None:
    """One model's both sides got slower: the speedup holds, and nothing else moved along."""
    times = {
        c: (r * 1.3, v * 1.3) if c.model == "resnet50" and c.shape == HURT.shape else (r, v)
        for c, (r, v) in usual_times().items()
    }
    judgement = judged(times)
    row = row_of(judgement)
    assert row.verdict is Verdict.REGRESSED
    assert row.moved is Moved.BOTH
    speedup = row.metric(Metric.DEVICE_SPEEDUP)
    assert speedup is not None
    assert speedup.verdict is Verdict.PASS


def test_everything_slower_is_one_finding_and_inconclusive() -> None:
    judgement = judged(scaled(usual_times(), reference=1.3, variant=1.3))
    assert judgement.counts == {Verdict.INCONCLUSIVE: 12}
    assert {row.moved for row in judgement.rows} == {Moved.COMMON}
    shifts = [f for f in judgement.findings if f.kind is FindingKind.COMMON_SHIFT]
    assert len(shifts) == 1
    assert "device time +2" in shifts[0].text or "device time +3" in shifts[0].text
    assert judgement.exit_code is ExitCode.INCONCLUSIVE


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


def test_a_change_that_may_be_beyond_the_tolerance_is_no_pass() -> None:
    """9% where 10% would have been seen, and less than what is sure: neither alarm nor all-clear."""
    before = usual_baseline(nights=5, between=0.015)
    found = {
        factor: row_of(judge(before, [make_run(slowed(usual_times(), HURT, factor), day=day) for day in (9, 10)]))
        for factor in (1.0, 1.03, 1.05, 1.07, 1.09, 1.2)
    }
    verdicts = [row.verdict for row in found.values()]
    assert verdicts[0] is Verdict.PASS
    assert verdicts[-1] is Verdict.REGRESSED
    assert [verdict.rank for verdict in verdicts] == sorted((v.rank for v in verdicts), reverse=True)
    doubtful = [row for row in found.values() if row.reason.startswith("may have become slower by ")]
    assert doubtful


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


def test_wall_time_alone_blames_the_host() -> None:
    data = run_data(day=9)
    rounds = benchmark_of(data, HURT)["extra_info"]["perfkit"]["rounds"]
    rounds["variant_wall_s"] = [time * 1.8 for time in rounds["variant_wall_s"]]
    stats = benchmark_of(data, HURT)["stats"]
    stats.update({name: stats[name] * 1.8 for name in ("min", "max", "mean", "median")})
    row = row_of(judge(usual_baseline(), [run_from_json(data, "run")]))
    assert row.verdict is Verdict.REGRESSED
    assert row.moved is Moved.HOST
    assert "(wall), " in row.reason
    assert row.reason.endswith("(device)")


def test_a_row_that_could_not_have_seen_the_tolerated_says_so() -> None:
    noisy = usual_baseline(nights=4, between=0.2)
    judgement = judge(noisy, [make_run(day=9)])
    row = row_of(judgement)
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.compared
    assert "10% is tolerated" in row.reason
    assert judgement.exit_code is ExitCode.INCONCLUSIVE


@pytest.mark.parametrize(("nights", "factor", "rest"), [(1, 1.5, Verdict.INCONCLUSIVE), (3, 1.2, Verdict.PASS)])
def test_wall_times_decide_on_a_cpu(nights: int, factor: float, rest: Verdict) -> None:
    """One night against one can't rule out 10% there, and says so."""
    baseline = usual_baseline(nights=nights, hardware=CPU)
    judgement = judge(baseline, [make_run(slowed(usual_times(), HURT, factor), day=9, hardware=CPU)])
    assert row_of(judgement).verdict is Verdict.REGRESSED
    assert row_of(judgement).deciding is Metric.WALL_SPEEDUP
    assert others(judgement) == {rest}


def test_device_times_lost_on_the_way_are_told() -> None:
    data = run_data(day=9)
    for entry in data["benchmarks"]:
        entry["extra_info"]["perfkit"]["rounds"] |= {
            "reference_device_s": None,
            "variant_device_s": None,
        }
    row = row_of(judge(usual_baseline(), [run_from_json(data, "run")]))
    assert row.notes == ("no device times in this run: judged by wall times alone",)
    assert row.deciding is Metric.WALL_SPEEDUP
