"""What holds for every comparison, whatever the numbers."""

from __future__ import annotations

import copy
import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.catalog.case import CaseId
from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import Judgement, Row, Verdict
from perfkit.record.baseline import Baseline
from perfkit.record.read import run_from_json
from tests.support import CPU, GPU, SHAPE, Times, case, make_run, plain_data, run_data, slowed

if TYPE_CHECKING:
    from perfkit.record.replicate import Run
    from perfkit.record.schema import Hardware

BETTER_FIRST = [Verdict.IMPROVED, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.REGRESSED]
HURT = case("trt-fp16", "model0")

factors = st.floats(0.5, 2.0)
more = st.floats(1.0, 3.0)
noise = st.sampled_from([0.0, 0.005, 0.02, 0.08])


@st.composite
def nights(draw: st.DrawFn) -> tuple[list[Times], Times]:
    """Baseline nights and one more, references and variants moved at will."""
    models = draw(st.integers(1, 3))
    cases = [
        CaseId(f"model{index}", variant, SHAPE)
        for index in range(models)
        for variant in draw(st.sampled_from([("trt-fp16",), ("eager-fp32", "trt-fp16")]))
    ]

    def times(reference: float, moved: dict[CaseId, float]) -> Times:
        return {c: (4e-3 * reference, 1e-3 * reference * moved.get(c, 1.0)) for c in cases}

    count = draw(st.integers(1, 4))
    baseline = [times(draw(st.floats(0.97, 1.03)), {}) for _ in range(count)]
    moved = {c: draw(factors) for c in cases}
    common, reference_only = draw(factors), draw(factors)
    current = {
        c: (reference_s * reference_only, variant_s) for c, (reference_s, variant_s) in times(common, moved).items()
    }
    return baseline, current


def baseline_of(every_night: list[Times], jitter: float) -> Baseline:
    runs = [make_run(times, day=day + 1, jitter=jitter) for day, times in enumerate(every_night)]
    return Baseline("baseline", GPU, tuple(run.replicate for run in runs))


def row_of(judgement: Judgement, which: CaseId) -> Row:
    (row,) = [row for row in judgement.rows if row.case == which]
    return row


@settings(deadline=None, max_examples=150)
@given(times=nights(), factor=more, jitter=noise)
def test_a_slower_variant_never_gets_a_better_verdict(
    times: tuple[list[Times], Times], factor: float, jitter: float
) -> None:
    every_night, current = times
    baseline = baseline_of(every_night, jitter)
    as_it_is = judge(baseline, [make_run(current, day=9, jitter=jitter)])
    slower = judge(baseline, [make_run(slowed(current, HURT, factor), day=9, jitter=jitter)])
    before, after = row_of(as_it_is, HURT).verdict, row_of(slower, HURT).verdict
    assert BETTER_FIRST.index(after) >= BETTER_FIRST.index(before)


@settings(deadline=None, max_examples=100)
@given(
    variants=st.integers(1, 4),
    shapes=st.integers(1, 3),
    replicates=st.integers(1, 3),
    hardware=st.sampled_from([CPU, GPU]),
    day=st.integers(1, 500),
    ladder=st.lists(st.floats(1.0, 1.4), min_size=3, max_size=3),
)
def test_nor_does_one_of_few_cases_on_restless_nights(
    variants: int, shapes: int, replicates: int, hardware: Hardware, day: int, ladder: list[float]
) -> None:
    """A case weighs in medians, which must not make it what it is held to."""
    names = ["trt-fp16", "eager-fp32", "v2", "v3"][:variants]
    cases = [CaseId("model0", name, f"1x3x{number}x{number}") for name in names for number in range(1, shapes + 1)]
    times = dict.fromkeys(cases, (0.004, 0.001))
    before = [make_run(times, day=day + n, between=0.04, hardware=hardware) for n in range(replicates)]
    baseline = Baseline("baseline", hardware, tuple(run.replicate for run in before))
    ranks = []
    for factor in [1.0, *sorted(ladder)]:
        moved = slowed(times, cases[0], factor)
        after = [make_run(moved, day=day + 100 + n, between=0.04, hardware=hardware) for n in range(replicates)]
        ranks.append(BETTER_FIRST.index(row_of(judge(baseline, after), cases[0]).verdict))
    assert ranks == sorted(ranks)


@settings(deadline=None, max_examples=150)
@given(times=nights(), before=st.floats(0.5, 4), host=st.floats(0.5, 4), factor=more)
def test_a_variant_that_only_launches_slower_never_gets_a_better_verdict(
    times: tuple[list[Times], Times], before: float, host: float, factor: float
) -> None:
    """Wall times alone, whatever the host did to the pair."""
    every_night, current = times
    baseline = baseline_of(every_night, 0.005)
    run = make_run(current, day=9, jitter=0.005)
    verdicts = [
        row_of(judge(baseline, [at_the_wall(run, own, host)]), HURT).verdict for own in (before, before * factor)
    ]
    assert BETTER_FIRST.index(verdicts[1]) >= BETTER_FIRST.index(verdicts[0])


def at_the_wall(run: Run, own: float, reference: float) -> Run:
    """The run with the wall times of one case and its reference multiplied."""
    samples = []
    for sample in run.replicate.samples:
        wall = sample.wall
        if sample.case == HURT and wall.reference_s is not None and wall.log_speedup is not None:
            wall = wall.model_copy(
                update={
                    "variant_s": wall.variant_s * own,
                    "reference_s": wall.reference_s * reference,
                    "log_speedup": wall.log_speedup + math.log(reference / own),
                }
            )
        samples.append(sample.model_copy(update={"wall": wall}))
    return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})


@settings(deadline=None, max_examples=60)
@given(reference=factors, variant=factors, factor=more, count=st.integers(1, 4))
def test_a_slower_variant_never_gets_a_better_verdict_in_plain_files(
    reference: float, variant: float, factor: float, count: int
) -> None:
    def run(day: int, reference_s: float, variant_s: float) -> Run:
        medians = {case("eager-fp32"): reference_s, case(): variant_s}
        return run_from_json(plain_data(medians, day=day), "plain")

    before = [run(day, 4e-3, 1e-3) for day in range(1, count + 1)]
    baseline = Baseline("b", before[0].hardware, tuple(night.replicate for night in before))
    verdicts = [
        row_of(judge(baseline, [run(9, 4e-3 * reference, 1e-3 * variant * slow)]), case()).verdict
        for slow in (1.0, factor)
    ]
    assert BETTER_FIRST.index(verdicts[1]) >= BETTER_FIRST.index(verdicts[0])


@settings(deadline=None, max_examples=60)
@given(times=nights(), jitter=noise, seed=st.integers(0, 99))
def test_order_does_not_matter(times: tuple[list[Times], Times], jitter: float, seed: int) -> None:
    every_night, current = times
    rng = random.Random(seed)  # noqa: S311
    baseline = baseline_of(every_night, jitter)
    runs = [make_run(current, day=day, jitter=jitter) for day in (8, 9)]
    shuffled = Baseline(baseline.source, GPU, tuple(rng.sample(baseline.replicates, len(baseline.replicates))))
    assert judge(shuffled, runs[::-1]) == judge(baseline, runs)
    assert judge(shuffled, [with_cases_shuffled(run, rng) for run in runs]) == judge(baseline, runs)


def with_cases_shuffled(run: Run, rng: random.Random) -> Run:
    samples, outcomes = run.replicate.samples, run.outcomes
    replicate = run.replicate.model_copy(update={"samples": rng.sample(samples, len(samples))})
    return run.model_copy(update={"replicate": replicate, "outcomes": rng.sample(outcomes, len(outcomes))})


@settings(deadline=None, max_examples=60)
@given(times=nights(), jitter=noise, seed=st.integers(0, 99))
def test_the_order_of_rounds_does_not_matter(times: tuple[list[Times], Times], jitter: float, seed: int) -> None:
    every_night, current = times
    baseline, data = baseline_of(every_night, jitter), run_data(current, day=9, jitter=jitter)
    shuffled = copy.deepcopy(data)
    for benchmark in shuffled["benchmarks"]:
        rounds = benchmark["extra_info"]["perfkit"]["rounds"]
        places = list(range(len(rounds["order"])))
        random.Random(seed).shuffle(places)  # noqa: S311
        for name in ("reference_wall_s", "variant_wall_s", "reference_device_s", "variant_device_s"):
            rounds[name] = [rounds[name][place] for place in places]
        rounds["order"] = "".join(rounds["order"][place] for place in places)
    assert judge(baseline, [run_from_json(shuffled, "run")]) == judge(baseline, [run_from_json(data, "run")])


def test_an_unrelated_case_turns_hardly_any_pass_into_a_regression() -> None:
    """It got much faster, and the others have nothing to do with it: no more than the 5 of 100 that may be alarms."""
    usual = dict.fromkeys((case("trt-fp16", f"model{index}") for index in range(6)), (0.004, 0.001))
    turned = 0
    for seed in range(100):
        rng = random.Random(seed)  # noqa: S311
        noisy = [{c: (r, v * math.exp(rng.gauss(0, 0.015))) for c, (r, v) in usual.items()} for _ in range(8)]
        own_s = [2e-3 * math.exp(rng.gauss(0, 0.015)) * (0.3 if place >= 5 else 1.0) for place in range(8)]
        more = [night | {case("trt-fp16", "another"): (3e-3, s)} for night, s in zip(noisy, own_s, strict=True)]
        without, beside = (
            judge(baseline_of(nights[:5], 0.003), [make_run(t, day=20 + i) for i, t in enumerate(nights[5:])])
            for nights in (noisy, more)
        )
        verdicts = [(row_of(without, c).verdict, row_of(beside, c).verdict) for c in usual]
        turned += (Verdict.PASS, Verdict.REGRESSED) in verdicts
    assert turned <= 5


@pytest.mark.case("C05")
@settings(deadline=None, max_examples=60)
@given(times=nights(), jitter=noise)
def test_identical_times_never_regress(times: tuple[list[Times], Times], jitter: float) -> None:
    _, current = times
    before = make_run(current, day=1, jitter=jitter)
    replicate = before.replicate.model_copy(update={"run_id": "another night"})
    judgement = judge(
        Baseline("b", GPU, (before.replicate,)),
        [before.model_copy(update={"replicate": replicate})],
    )
    assert Verdict.REGRESSED not in judgement.counts
    assert Verdict.IMPROVED not in judgement.counts


@settings(deadline=None, max_examples=60)
@given(times=nights(), unit=st.floats(0.05, 20))
def test_a_common_factor_keeps_speedups_and_what_they_could_see(times: tuple[list[Times], Times], unit: float) -> None:
    every_night, current = times
    scaled = {c: (reference * unit, variant * unit) for c, (reference, variant) in current.items()}
    hardware = {"hardware": CPU, "jitter": 0.0}
    runs = [make_run(night, day=day + 1, **hardware) for day, night in enumerate(every_night)]
    baseline = Baseline("b", CPU, tuple(run.replicate for run in runs))
    changes = [
        [
            (row.case, metric.change_pct, metric.detectable_pct)
            for row in sorted(judgement.rows, key=lambda row: row.case)
            if (metric := row.metric(Metric.WALL_SPEEDUP)) is not None
        ]
        for judgement in (judge(baseline, [make_run(night, day=9, **hardware)]) for night in (current, scaled))
    ]
    for (one_case, *one), (other_case, *other) in zip(*changes, strict=True):
        assert one_case == other_case
        for a, b in zip(one, other, strict=True):
            assert abs(float(a or 0) - float(b or 0)) < 1e-6
