"""What a judgement tells beside its verdicts."""

from __future__ import annotations

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.judge.promotion import promotion_of
from perfkit.judge.verdict import FindingKind, Verdict
from perfkit.record.facts import BuildFacts
from perfkit.record.read import run_from_json
from tests.judge.helpers import (
    HURT,
    judged,
    kinds,
    row_of,
    usual_baseline,
)
from tests.support import (
    benchmark_of,
    case,
    make_run,
    run_data,
    slowed,
    usual_times,
)


def test_more_replicates_see_more() -> None:
    baseline = usual_baseline()
    one = judge(baseline, [make_run(day=8)])
    three = judge(baseline, [make_run(day=day) for day in (7, 8, 9)])
    before, after = (row_of(j).metric(Metric.DEVICE_SPEEDUP) for j in (one, three))
    assert before is not None
    assert after is not None
    assert before.detectable_pct is not None
    assert after.detectable_pct is not None
    assert after.detectable_pct < before.detectable_pct
    assert after.current_replicates == 3


def test_what_else_changed_is_listed() -> None:
    facts = BuildFacts(build_s=9.0, engines=1, layers=217, fallback_ops=0, layer_formats={"Half": 200, "Float": 17})
    judgement = judged(
        facts=facts,
        software={"torch": "2.12.0", "driver": "580.1", "tensorrt": "11"},
        settings={"tf32": True},
    )
    assert [(s.what, s.baseline, s.current) for s in judgement.suspects] == [
        ("settings.tf32", "False", "True"),
        ("tensorrt", "absent", "11"),
        ("torch", "2.11.0", "2.12.0"),
    ]
    assert row_of(judgement).notes == ("layers: 56 -> 217",)


def test_a_change_of_the_answers_is_noted() -> None:
    data = run_data(day=9)
    benchmark_of(data, HURT)["extra_info"]["perfkit"]["agreement"]["cosine_min"] = 0.95
    row = row_of(judge(usual_baseline(), [run_from_json(data, "run")]))
    assert row.notes == ("lowest cosine to the reference: 0.9995 -> 0.9500",)
    assert row.verdict is Verdict.PASS


def test_the_reference_against_itself_tells_the_noise_floor() -> None:
    times = slowed(usual_times(), case("eager-fp32"), 1.03)
    (finding,) = [f for f in judged(times).findings if f.kind is FindingKind.NOISE_FLOOR]
    assert finding.cases == (case("eager-fp32"),)
    assert "eager-fp32 measured against itself differs by up to 3." in finding.text or (
        "differs by up to 2.9%" in finding.text
    )


@pytest.mark.parametrize(
    ("int8", "fp16", "told"),
    [
        ("trt-int8", "trt-fp16", True),
        ("onnx-trt-int8-graph", "onnx-trt-fp16-graph", True),
        ("trt-int8-graph", "trt-fp16", False),
        ("onnx-trt-int8", "trt-fp16", False),
    ],
)
def test_int8_is_measured_by_fp16_of_its_own_backend(int8: str, fp16: str, told: bool) -> None:
    judgement = judge(None, [make_run({case(int8): (4e-3, 2e-3), case(fp16): (4e-3, 1e-3)})])
    notes = row_of(judgement, case(int8)).notes
    assert (notes == (f"int8 takes 2.00x the time of {fp16} on this shape",)) is told
    assert (FindingKind.INT8_SLOWER in kinds(judgement)) is told


def test_an_injected_slowdown_is_told() -> None:
    judgement = judged(injected="10% into resnet50")
    assert "put in on purpose: 10% into resnet50" in [f.text for f in judgement.findings]


def test_a_replay_that_is_slower_than_the_plain_call_is_told() -> None:
    """By the wall clock: what a replay saves is the host's part."""
    times = {case("eager-fp32"): (4e-3, 4e-3), case("trt-fp16"): (4e-3, 1e-3), case("trt-fp16-graph"): (4e-3, 1.1e-3)}
    judgement = judge(None, [make_run(times, day=1)])
    (finding,) = [finding for finding in judgement.findings if finding.kind is FindingKind.GRAPH_SLOWER]
    assert finding.cases == (case("trt-fp16-graph"),)
    assert "the replay takes 1.10x the wall time of trt-fp16" in finding.text
    assert row_of(judgement, case("trt-fp16-graph")).notes == ("the replay takes 1.10x the wall time of trt-fp16",)


def test_a_gain_that_is_too_good_to_be_true_is_told_and_not_promoted() -> None:
    baseline = usual_baseline()
    for factor, told in ((0.6, False), (0.4, True)):
        runs = [make_run(slowed(usual_times(), HURT, factor), day=day) for day in (8, 9)]
        judgement = judge(baseline, runs)
        assert row_of(judgement).verdict is Verdict.IMPROVED
        assert (FindingKind.TOO_GOOD in kinds(judgement)) is told
        promotion = promotion_of(baseline, runs, judgement, "")
        assert promotion.code is (ExitCode.INCONCLUSIVE if told else ExitCode.PASS)
        assert promotion_of(baseline, runs, judgement, "the layer is gone on purpose").code is ExitCode.PASS
