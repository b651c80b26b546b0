"""What measuring will take, from what runs say they took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from perfkit.replicates.durations import BESIDE_ROUNDS, MODEL_S, START_S, Durations, durations_of
from tests.support import benchmark_of, case, make_run, run_data

if TYPE_CHECKING:
    from perfkit.catalog.case import CaseId
    from perfkit.record.replicate import Replicate

FP16, INT8 = case("trt-fp16"), case("trt-int8")
OTHER = case("trt-fp16", "resnet18")


def night(rounds_s: dict[CaseId, float], **spent_s: float) -> dict[str, Any]:
    data = run_data()
    data["perfkit"]["spent_s"] = spent_s
    for which, taken_s in rounds_s.items():
        record = benchmark_of(data, which)["extra_info"]["perfkit"]
        record["rounds_s"] = taken_s
        record["facts"] |= {"build_s": 60.0, "load_s": 0.5}
    kept = [each for each in data["benchmarks"] if each["extra_info"]["perfkit"]["rounds_s"] is not None]
    return {**data, "benchmarks": kept}


def test_a_case_takes_its_rounds_and_its_share_of_what_is_beside_them() -> None:
    spent_s = {"whole": 100.0, "starting": 20.0, "loading": 8.0, "building": 12.0, "rounds": 30.0}
    found = durations_of([night({FP16: 10.0, INT8: 20.0}, **spent_s)], 7.0)
    assert found.of_case(FP16) == pytest.approx(10 * 60 / 30)
    assert found.of_process([FP16, INT8]) == pytest.approx(20 + 8 + 2 * 0.5 + 60), "engines are loaded, not built again"
    assert found.of_process([]) == 0


def test_of_an_unknown_case_the_others_tell() -> None:
    found = durations_of([night({FP16: 10.0, INT8: 20.0})], 7.0)
    assert found.of_case(OTHER) == pytest.approx(15 * BESIDE_ROUNDS)
    assert found.of_model("resnet18") == found.of_model("resnet50") == pytest.approx(MODEL_S + 1.0)


def test_where_nothing_is_known_the_defaults_are_taken() -> None:
    found = durations_of([], 7.0)
    assert found == Durations(7.0)
    assert found.of_process([FP16, OTHER]) == START_S + 2 * MODEL_S + 14.0


def test_the_newest_night_counts() -> None:
    found = durations_of([night({FP16: 10.0, INT8: 1.0}), night({FP16: 30.0})], 7.0)
    assert found.of_case(FP16) == pytest.approx(30 * BESIDE_ROUNDS)
    assert found.of_case(INT8) == pytest.approx(1 * BESIDE_ROUNDS)


def test_a_replicate_of_several_processes_started_as_often() -> None:
    data = night({FP16: 10.0}, whole=100.0, starting=60.0)
    data["perfkit"]["processes"] = 4
    assert durations_of([data], 7.0).start_s == 15.0


def test_of_a_case_that_no_night_knows_the_baseline_tells() -> None:
    """A runner that cleans its checkout has no last night."""

    def reviewed(day: int, rounds_s: dict[CaseId, float]) -> Replicate:
        replicate = make_run(day=day).replicate
        samples = [
            sample.model_copy(update={"spent_s": {"rounds": rounds_s[sample.case]}})
            for sample in replicate.samples
            if sample.case in rounds_s
        ]
        return replicate.model_copy(update={"samples": samples})

    baseline = [reviewed(2, {FP16: 20.0}), reviewed(1, {FP16: 10.0, INT8: 5.0})]
    found = durations_of([], 7.0, baseline)
    assert found.of_case(FP16) == pytest.approx(20 * BESIDE_ROUNDS), "the newest"
    assert found.of_case(INT8) == pytest.approx(5 * BESIDE_ROUNDS)
    assert durations_of([night({FP16: 30.0})], 7.0, baseline).of_case(FP16) == pytest.approx(30 * BESIDE_ROUNDS)
