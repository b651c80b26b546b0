"""An engine that got worse is flagged whatever the clocks say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.verdict import Judgement, Moved, Verdict
from perfkit.record.facts import BuildFacts
from perfkit.record.read import run_from_json
from tests.judge.helpers import HURT, baseline_of, row_of
from tests.support import make_run, run_data, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.record.replicate import Run

ENGINE: dict[str, Any] = {"build_s": 90.0, "engines": 1, "layers": 56, "fallback_ops": 0, "engine_bytes": 4_000_000}
ENGINE |= {"compute_layers": 20, "delivered_layers": 19, "activation_bytes": 2_000_000}


def judged(changed: dict[str, Any], factor: float = 1.0) -> Judgement:
    """Against a baseline of the same engine; the run's engines have other facts, one of them another speed."""
    before = [make_run(day=day, facts=BuildFacts(**ENGINE)) for day in (1, 2, 3)]
    after = make_run(slowed(usual_times(), HURT, factor), day=9, facts=BuildFacts(**{**ENGINE, **changed}))
    return judge(baseline_of(*before), [after])


@pytest.mark.case("B03")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"layers": 217}, "layers 56 -> 217"),
        ({"fallback_ops": 1}, "fallback_ops 0 -> 1"),
        ({"engines": 130}, "engines 1 -> 130"),
        ({"engine_bytes": 8_000_000}, "engine_bytes 4000000 -> 8000000"),
        ({"activation_bytes": 3_000_000}, "activation_bytes 2000000 -> 3000000"),
        (
            {"compute_layers": 20, "delivered_layers": 11},
            "compute layers in the named precision 95% -> 55%",
        ),
        ({"engines": 2, "layers": 71}, "engines 1 -> 2; layers 56 -> 71"),
    ],
)
def test_a_worse_engine_fails_at_equal_speed(changed: dict[str, Any], reason: str) -> None:
    judgement = judged(changed)
    assert judgement.exit_code is ExitCode.FAIL
    row = row_of(judgement)
    assert (row.verdict, row.reason, row.moved) == (Verdict.REGRESSED, reason, Moved.ENGINE)


@pytest.mark.parametrize(
    "changed",
    [
        {"layers": 70},
        {"layers": 20},
        {"engine_bytes": 5_000_000},
        {"build_s": 900.0},
        {"activation_bytes": 2_400_000},
        {"engine_sha256": "another"},
        {"fallback_ops": None, "layers": None},
    ],
)
def test_what_builds_differ_by_fails_nothing(changed: dict[str, Any]) -> None:
    assert judged(changed).counts == {Verdict.PASS: 12}


COSTS = {"build_s": 10.0, "load_s": 0.5, "cold_call_s": 0.4, "shape_change_s": 2e-4, "call_bytes": 8e6}


@pytest.mark.parametrize(
    ("costs", "note"),
    [
        ({"build_s": 60.0}, None),
        ({"build_s": 80.0}, "build_s: 10 -> 80"),
        ({"load_s": 1.4}, None),
        ({"load_s": 1.7}, "load_s: 0.5 -> 1.7"),
        ({"cold_call_s": 1.3}, "cold_call_s: 0.4 -> 1.3"),
        ({"shape_change_s": 1.1e-3}, None),
        ({"shape_change_s": 1.3e-3}, "shape_change_s: 0.0002 -> 0.0013"),
        ({"call_bytes": 9e6}, None),
        ({"call_bytes": 1.1e7}, "call_bytes: 8e+06 -> 1.1e+07"),
        ({"call_bytes": 1e6, "load_s": 0.01}, None),
    ],
)
def test_costs_that_grew_are_told_and_fail_nothing(costs: dict[str, float], note: str | None) -> None:
    def run_with(day: int, costs: dict[str, float]) -> Run:
        run = make_run(day=day)
        samples = [sample.model_copy(update={"costs": costs}) for sample in run.replicate.samples]
        return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})

    judgement = judge(baseline_of(*(run_with(day, COSTS) for day in (1, 2, 3))), [run_with(9, COSTS | costs)])
    assert judgement.counts == {Verdict.PASS: 12}
    assert [text for text in row_of(judgement).notes if "->" in text] == ([note] if note else [])


def test_the_clock_has_the_word_where_it_says_more() -> None:
    """A slower engine is named for its time, and for its facts as well; a faster one with more layers is faster."""
    slower, faster = (row_of(judged({"layers": 217}, factor)) for factor in (1.2, 0.7))
    assert (slower.verdict, slower.moved) == (Verdict.REGRESSED, Moved.VARIANT)
    assert slower.reason.startswith("its time +2")
    assert slower.reason.endswith("; layers 56 -> 217")
    assert faster.verdict is Verdict.IMPROVED
    assert "layers: 56 -> 217" in faster.notes


@pytest.mark.parametrize("factor", [1.0, 0.7])
@pytest.mark.parametrize(("loss_db", "fails"), [(5.0, False), (7.0, True)])
def test_worse_answers_fail_within_their_bound_however_fast(loss_db: float, fails: bool, factor: float) -> None:
    before, after = make_run(day=1), make_run(slowed(usual_times(), HURT, factor), day=9)
    samples = []
    for sample in after.replicate.samples:
        assert sample.agreement is not None
        noisier = {"sqnr_db_min": sample.agreement.sqnr_db_min - loss_db}
        samples.append(sample.model_copy(update={"agreement": sample.agreement.model_copy(update=noisier)}))
    after = after.model_copy(update={"replicate": after.replicate.model_copy(update={"samples": samples})})
    row = row_of(judge(baseline_of(before), [after]))
    assert (row.verdict is Verdict.REGRESSED) is fails
    if fails:
        assert row.reason.startswith("lowest SQNR to the reference ")


def test_facts_that_are_told_no_longer_are_named() -> None:
    """What can't be judged any more mustn't pass in silence."""
    before, after = make_run(day=1, facts=BuildFacts(**ENGINE)), make_run(day=9, facts=BuildFacts(build_s=90.0))
    samples = [sample.model_copy(update={"agreement": None}) for sample in after.replicate.samples]
    after = after.model_copy(update={"replicate": after.replicate.model_copy(update={"samples": samples})})
    row = row_of(judge(baseline_of(before), [after]))
    gone = "activation_bytes, engine_bytes, engines, fallback_ops, layers"
    assert f"not told any more, so not judged: {gone}" in row.notes
    assert "answers weren't compared with the reference's in this run, so not judged" in row.notes


@pytest.mark.parametrize(("same", "fails"), [(0.75, False), (0.625, True), (None, False)])
def test_other_classes_fail_however_near_the_numbers(same: float | None, fails: bool) -> None:
    before, after = make_run(day=1), make_run(day=9)
    samples = []
    for sample in after.replicate.samples:
        assert sample.agreement is not None
        other = sample.agreement.model_copy(update={"top1_agreement": same})
        samples.append(sample.model_copy(update={"agreement": other}))
    after = after.model_copy(update={"replicate": after.replicate.model_copy(update={"samples": samples})})
    row = row_of(judge(baseline_of(before), [after]))
    assert (row.verdict is Verdict.REGRESSED) is fails
    assert row.reason.startswith("images with the reference's best class 100% -> 62%") is fails


@pytest.mark.parametrize("ruined", [(0,), (1,), (2,), (0, 1)])
def test_every_replicate_is_held_to_the_baselines_facts(ruined: tuple[int, ...]) -> None:
    """A process that built its engine anew may have another one than those beside it, whichever was the last."""
    before = [make_run(day=day, facts=BuildFacts(**ENGINE)) for day in (1, 2, 3)]
    facts = [BuildFacts(**{**ENGINE, "layers": 217 if index in ruined else 56}) for index in range(3)]
    judgement = judge(baseline_of(*before), [make_run(day=9 + index, facts=each) for index, each in enumerate(facts)])
    row = row_of(judgement)
    part = f"({len(ruined)} of 3 replicates)"
    assert (row.verdict, row.reason, row.moved) == (Verdict.REGRESSED, f"layers 56 -> 217 {part}", Moved.ENGINE)
    assert f"layers: 56 -> 217 {part}" in row.notes


def test_a_fact_that_one_replicate_has_lost_is_told() -> None:
    before = [make_run(day=day, facts=BuildFacts(**ENGINE)) for day in (1, 2, 3)]
    after = [
        make_run(day=9, facts=BuildFacts(**{**ENGINE, "layers": None})),
        make_run(day=10, facts=BuildFacts(**ENGINE)),
    ]
    row = row_of(judge(baseline_of(*before), after))
    assert row.verdict is Verdict.PASS
    assert "not told any more, so not judged: layers (1 of 2 replicates)" in row.notes


def test_activations_that_were_nothing_may_become_little() -> None:
    assert activations_judged(0, 512) is Verdict.PASS
    assert activations_judged(0, 10_000_000) is Verdict.REGRESSED


def activations_judged(before: int, after: int) -> Verdict:
    runs = [make_run(day=day, facts=BuildFacts(**{**ENGINE, "activation_bytes": before})) for day in (1, 2, 3)]
    run = make_run(day=9, facts=BuildFacts(**{**ENGINE, "activation_bytes": after}))
    return row_of(judge(baseline_of(*runs), [run])).verdict


@pytest.mark.parametrize("ratios_db", [(40.0, 40.0, 20.0), (20.0, 40.0, 40.0), (20.0, 20.0, 40.0)])
def test_every_replicate_is_held_to_the_baselines_answers(ratios_db: tuple[float, ...]) -> None:
    def run(day: int, ratio_db: float) -> Run:
        data = run_data(day=day)
        for benchmark in data["benchmarks"]:
            benchmark["extra_info"]["perfkit"]["agreement"]["sqnr_db_min"] = ratio_db
        return run_from_json(data, f"run-{day}.json")

    after = [run(9 + index, ratio_db) for index, ratio_db in enumerate(ratios_db)]
    row = row_of(judge(baseline_of(*(run(day, 40.0) for day in (1, 2, 3))), after))
    lost = sum(ratio_db < 40.0 for ratio_db in ratios_db)
    assert row.verdict is Verdict.REGRESSED
    assert f"lowest SQNR to the reference 40.0 -> 20.0 dB ({lost} of 3 replicates)" in row.reason
