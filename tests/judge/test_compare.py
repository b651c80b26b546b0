"""Which cases are compared at all, and what becomes of the others."""

from __future__ import annotations

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import FindingKind, RefusalKind, Verdict
from perfkit.record.read import run_from_json
from perfkit.record.schema import Outcome, Status
from tests.judge.helpers import (
    HURT,
    baseline_of,
    judged,
    others,
    outcome,
    row_of,
    scaled,
    usual_baseline,
    without,
)
from tests.support import (
    CPU,
    benchmark_of,
    case,
    make_run,
    plain_data,
    run_data,
    usual_times,
)


@pytest.mark.case("C07a")
@pytest.mark.parametrize(
    ("outcomes", "verdict", "reason"),
    [
        ((), Verdict.MISSING, "the baseline has it, the run doesn't"),
        ((outcome(Status.NOT_RUN, "deselected"),), Verdict.MISSING, "deselected"),
        ((outcome(Status.NOT_RUN),), Verdict.MISSING, "planned and not run"),
        ((outcome(Status.SKIPPED, "no driver"),), Verdict.MISSING, "skipped: no driver"),
        ((outcome(Status.BROKEN, "cosine 0.2"),), Verdict.BROKEN, "cosine 0.2"),
        (
            (outcome(Status.MEASURED),),
            Verdict.MISSING,
            "planned and said to be measured, but the file holds no times",
        ),
    ],
)
def test_an_expected_case_without_times_fails(outcomes: tuple[Outcome, ...], verdict: Verdict, reason: str) -> None:
    judgement = judged(without(HURT), outcomes=[o.model_dump() for o in outcomes])
    row = row_of(judgement)
    assert (row.verdict, row.reason) == (verdict, reason)
    assert not row.compared
    assert judgement.exit_code is ExitCode.FAIL
    assert "11 compared against baseline of 12 cases" in judgement.summary


def test_a_missing_case_keeps_its_reason_where_a_repeat_left_it_out() -> None:
    crashed = outcome(Status.SKIPPED, "no driver")
    runs = [
        make_run(without(HURT), day=day, outcomes=(one,))
        for day, one in ((8, crashed), (9, outcome(Status.NOT_RUN, "deselected")))
    ]
    assert row_of(judge(usual_baseline(), runs)).reason == "skipped: no driver"


def test_a_skipped_variant_isnt_missing_where_a_repeat_left_it_out() -> None:
    skipped = outcome(Status.SKIPPED, "the CPU lacks bf16", variant="eager-bf16")
    left_out = outcome(Status.NOT_RUN, "deselected", variant="eager-bf16")
    runs = [make_run(day=8, outcomes=(skipped,)), make_run(day=9, outcomes=(left_out,))]
    assert judge(usual_baseline(), runs).counts == {Verdict.PASS: 12}
    assert judge(usual_baseline(), runs[1:]).counts == {Verdict.PASS: 12, Verdict.MISSING: 1}


def test_what_some_replicates_skipped_is_judged_by_the_others_and_listed() -> None:
    skipped = outcome(Status.SKIPPED, "no TensorRT")
    runs = [make_run(day=9), *(make_run(without(HURT), day=day, outcomes=(skipped,)) for day in (10, 11))]
    judgement = judge(usual_baseline(), runs)
    assert row_of(judgement).verdict is Verdict.PASS
    (finding,) = [each for each in judgement.findings if each.kind is FindingKind.SKIPPED]
    assert finding.text == "trt-int8 (1 case) in up to 2 of 3 replicates: no TensorRT"


def test_a_skipped_variant_that_the_baseline_never_had_is_listed() -> None:
    skipped = outcome(Status.SKIPPED, "the CPU lacks bf16", variant="eager-bf16")
    judgement = judged(outcomes=(skipped,))
    assert judgement.counts == {Verdict.PASS: 12}
    (finding,) = [f for f in judgement.findings if f.kind is FindingKind.SKIPPED]
    assert finding.text == "eager-bf16 (1 case): the CPU lacks bf16"
    assert judgement.exit_code is ExitCode.PASS


def test_a_deselected_case_that_the_baseline_never_had_is_missing() -> None:
    judgement = judged(outcomes=(outcome(Status.NOT_RUN, "deselected", variant="eager-fp16"),))
    assert judgement.rows[0].verdict is Verdict.MISSING
    assert judgement.exit_code is ExitCode.FAIL


def test_another_suite_expects_nothing() -> None:
    judgement = judged({HURT: usual_times()[HURT]}, suite="quick")
    assert judgement.counts == {Verdict.PASS: 1}


def test_a_new_case_is_new_and_fails_nothing() -> None:
    judgement = judged(usual_times() | {case(model="vgg"): (4e-3, 1e-3)})
    assert judgement.counts == {Verdict.NEW: 1, Verdict.PASS: 12}
    assert judgement.exit_code is ExitCode.PASS


def test_a_lost_reference_fails_every_speedup_that_needed_it() -> None:
    whole = {case("eager-fp32"): 4e-3, case("trt-fp16"): 1e-3, HURT: 8e-4}
    lost = {c: seconds for c, seconds in whole.items() if c.variant != "eager-fp32"}
    baseline = baseline_of(run_from_json(plain_data(whole, day=1), "b"))
    judgement = judge(baseline, [run_from_json(plain_data(lost, day=2), "run")])
    assert {row.variant: row.verdict for row in judgement.rows} == {
        "eager-fp32": Verdict.MISSING,
        "trt-fp16": Verdict.BROKEN,
        "trt-int8": Verdict.BROKEN,
    }
    assert row_of(judgement).reason == ("reference missing: no sound times of resnet50/eager-fp32/1x3x224x224")


@pytest.mark.case("C08")
def test_a_test_that_moved_to_another_file_is_hinted_at() -> None:
    before, after = plain_data({case(): 1e-3}, day=1), plain_data({case(): 1e-3}, day=2)
    for data in (before, after):
        data["benchmarks"][0]["extra_info"] = {}
    after["benchmarks"][0]["fullname"] = "new/" + before["benchmarks"][0]["fullname"]
    judgement = judge(baseline_of(run_from_json(before, "b")), [run_from_json(after, "run")])
    assert judgement.counts == {Verdict.MISSING: 1, Verdict.NEW: 1}
    assert "moved to new/bench.py::test[" in judgement.rows[0].reason
    assert judgement.exit_code is ExitCode.FAIL


def test_other_weights_are_not_compared() -> None:
    judgement = judged(weights="pretrained V2")
    assert judgement.counts == {Verdict.INCONCLUSIVE: 12}
    assert row_of(judgement).reason == ("not comparable: weights (random seed 0 -> pretrained V2)")
    assert judgement.refusal is not None
    assert judgement.refusal.kind is RefusalKind.NOTHING_COMPARABLE
    assert judgement.exit_code is ExitCode.NOT_JUDGED


def test_one_case_that_is_not_comparable_is_inconclusive() -> None:
    data = run_data(day=9)
    own = benchmark_of(data, HURT)["extra_info"]["perfkit"]
    own["comparability"]["settings"]["tf32"] = True
    judgement = judge(usual_baseline(), [run_from_json(data, "run")])
    assert row_of(judgement).verdict is Verdict.INCONCLUSIVE
    assert row_of(judgement).reason == "not comparable: settings.tf32 (False -> True)"
    assert others(judgement) == {Verdict.PASS}
    assert judgement.exit_code is ExitCode.INCONCLUSIVE


def test_only_comparable_replicates_of_the_baseline_count() -> None:
    old = make_run(scaled(usual_times(), variant=0.5), day=1, weights="older")
    baseline = baseline_of(old, *(make_run(day=day) for day in (2, 3)))
    judgement = judge(baseline, [make_run(day=9)])
    assert judgement.counts == {Verdict.PASS: 12}
    metric = row_of(judgement).metric(Metric.DEVICE_SPEEDUP)
    assert metric is not None
    assert metric.baseline_replicates == 2


def test_replicates_that_differ_among_themselves_are_not_compared() -> None:
    runs = [make_run(day=8, weights="older"), make_run(day=9)]
    judgement = judge(usual_baseline(), runs)
    assert row_of(judgement).reason == "not comparable: the run's own replicates differ in weights"


def test_other_hardware_is_refused_by_name() -> None:
    judgement = judge(usual_baseline(), [make_run(day=9, hardware=CPU)])
    assert judgement.refusal is not None
    assert judgement.refusal.kind is RefusalKind.OTHER_HARDWARE
    assert "Made Up GPU x1" in judgement.refusal.text
    assert "Made Up CPU x2" in judgement.refusal.text
    assert judgement.exit_code is ExitCode.NOT_JUDGED


def test_replicates_of_two_machines_are_no_run() -> None:
    judgement = judge(None, [make_run(day=8), make_run(day=9, hardware=CPU)])
    assert judgement.refusal is not None
    assert judgement.refusal.kind is RefusalKind.MIXED_HARDWARE
    assert judgement.exit_code is ExitCode.NOT_JUDGED


def test_without_a_baseline_a_wrong_answer_fails_all_the_same() -> None:
    run = make_run(without(HURT), outcomes=(outcome(Status.BROKEN, "cosine 0.2"),))
    judgement = judge(None, [run])
    assert judgement.counts == {Verdict.BROKEN: 1, Verdict.NEW: 11}
    assert judgement.exit_code is ExitCode.FAIL


def test_without_a_baseline_a_deselected_case_does_not_fail() -> None:
    run = make_run(without(HURT), outcomes=(outcome(Status.NOT_RUN, "deselected"),))
    assert judge(None, [run]).exit_code is ExitCode.NOT_JUDGED
