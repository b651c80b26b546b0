"""A shard is judged by its own cases, and never as the run that it is a part of."""

from __future__ import annotations

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.verdict import FindingKind, RefusalKind, Verdict
from perfkit.record.merge import merge
from perfkit.record.read import run_from_json
from tests.judge.helpers import HURT, baseline_of
from tests.shards import cut, parts
from tests.support import case, make_run, run_data, slowed, usual_times

MODELS = (["resnet50"], ["mobilenet_v2"])
NIGHTS = baseline_of(*(make_run(day=day) for day in (1, 2, 3)))


def test_cases_of_other_shards_are_not_missing() -> None:
    shards = cut(run_data(day=9), *MODELS)
    for data, (model,) in zip(shards, MODELS, strict=True):
        judgement = judge(NIGHTS, [run_from_json(data, "shard.json")])
        assert judgement.exit_code is ExitCode.PASS
        assert {row.model for row in judgement.rows} == {model}
        (finding,) = [found for found in judgement.findings if found.kind is FindingKind.SHARD]
        assert "6 of its 12 cases" in finding.text


def test_a_case_of_its_own_models_is_missing_as_in_a_whole_run() -> None:
    times = usual_times()
    del times[HURT]
    first, second = (run_from_json(data, "shard.json") for data in cut(run_data(times, day=9), *MODELS))
    missing = [row.case for row in judge(NIGHTS, [first]).rows if row.verdict is Verdict.MISSING]
    assert missing == [HURT]
    assert judge(NIGHTS, [second]).exit_code is ExitCode.PASS


def test_a_model_that_no_shard_plans_is_missing_in_each() -> None:
    """Nobody's is everybody's: a gate that looks at one shard alone sees it too."""
    baseline = baseline_of(*(make_run(usual_times() | {case(model="vgg16"): (9e-3, 2e-3)}, day=day) for day in (1, 2)))
    for data in cut(run_data(day=9), *MODELS):
        rows = judge(baseline, [run_from_json(data, "shard.json")]).rows
        assert [row.model for row in rows if row.verdict is Verdict.MISSING] == ["vgg16"]


def test_a_test_that_is_no_case_is_expected_of_the_first_shard_alone() -> None:
    def night(day: int) -> dict[str, object]:
        data = run_data(day=day)
        plain = {**data["benchmarks"][0], "fullname": "bench.py::test_plain", "extra_info": {}}
        data["benchmarks"].append(plain)
        return data

    baseline = baseline_of(*(run_from_json(night(day), "night.json") for day in (1, 2)))
    without = [judge(baseline, [run_from_json(data, "shard.json")]) for data in cut(run_data(day=9), *MODELS)]
    assert [[str(r.case) for r in each.rows if r.verdict is Verdict.MISSING] for each in without] == [
        ["bench.py::test_plain"],
        [],
    ]


@pytest.mark.parametrize("factor", [1.0, 1.3])
def test_the_merge_is_judged_as_the_run_would_be(factor: float) -> None:
    """Its rows, findings and all: nothing of the division is left."""
    data = run_data(slowed(usual_times(), HURT, factor), day=9)
    made = merge(parts(cut(data, *MODELS)))
    whole, merged = (judge(NIGHTS, [run_from_json(each, "run.json")]) for each in (data, made))
    assert merged == whole
    assert (HURT in [row.case for row in merged.rows if row.verdict is Verdict.REGRESSED]) is (factor > 1)


def test_different_parts_of_a_run_are_no_replicates() -> None:
    first, second = cut(data := run_data(day=9), *MODELS)
    for which in ([first, second], [first, data]):
        runs = [run_from_json(each, f"{name}.json") for each, name in zip(which, "ab", strict=True)]
        judgement = judge(NIGHTS, runs)
        assert judgement.refusal is not None
        assert judgement.refusal.kind is RefusalKind.MIXED_SHARDS
        assert "shard 1/2 (a.json)" in judgement.refusal.text
        assert "perfkit merge" in judgement.refusal.text
    two = [run_from_json(cut(run_data(day=day), *MODELS)[0], f"{day}.json") for day in (8, 9)]
    assert judge(NIGHTS, two).refusal is None, "two replicates of one shard"
