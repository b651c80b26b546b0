"""The least time of a card, and cases that take less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.objections import objections
from perfkit.judge.roofline import CARDS, roofline_of
from perfkit.judge.verdict import FindingKind
from perfkit.record.baseline import Baseline
from perfkit.record.facts import Work, WorkPrecision
from perfkit.record.read import run_from_json
from tests.support import GPU, case, run_data

if TYPE_CHECKING:
    from perfkit.record.replicate import Run

H100 = GPU.model_copy(update={"name": "NVIDIA H100 80GB HBM3"})


def work(precision: WorkPrecision = WorkPrecision.FP16, flops: int = 0, min_bytes: int = 0) -> Work:
    return Work(precision=precision, flops=flops, min_bytes=min_bytes)


def test_the_larger_of_memory_and_arithmetic_bounds() -> None:
    found = roofline_of(H100.name, work(flops=989_000_000_000, min_bytes=3_350_000_000))
    assert found is not None
    assert [found.arithmetic_s, found.memory_s] == pytest.approx([1e-3, 1e-3])
    memory = roofline_of("NVIDIA H200", work(WorkPrecision.INT8, flops=1, min_bytes=4_800_000))
    assert memory is not None
    assert memory.least_s == pytest.approx(1e-6)


def test_a_card_or_a_rate_that_nobody_wrote_down_has_no_roofline() -> None:
    assert roofline_of("Made Up GPU", work(flops=1)) is None
    assert roofline_of("NVIDIA H100 80GB HBM3 MIG 1g.10gb", work(flops=1)) is None
    assert roofline_of("NVIDIA A100-SXM4-80GB", work(WorkPrecision.FP8, flops=1)) is None


def test_every_card_names_its_source_and_gets_faster_with_fewer_digits() -> None:
    for name, card in CARDS.items():
        rates = card.tera_per_s
        assert "data sheet" in card.source, name
        ordered = [
            rates[each] for each in (WorkPrecision.FP32, WorkPrecision.TF32, WorkPrecision.FP16, WorkPrecision.INT8)
        ]
        assert ordered == sorted(set(ordered)), name


def run_of(device_s: float, *, precision: str = "fp16", day: int = 1, name: str = H100.name) -> Run:
    """Of a model of 1 TFLOP."""
    hardware = GPU.model_copy(update={"name": name})
    data = run_data({case(): (4e-2, device_s), case("trt-int8"): (4e-2, 8e-3)}, day=day, hardware=hardware)
    for benchmark in data["benchmarks"]:
        record = benchmark["extra_info"]["perfkit"]
        if record["variant"] == "trt-fp16":
            record["work"] = {"precision": precision, "flops": 10**12, "min_bytes": 10**6}
    return run_from_json(data, "made-up.json")


def told(run: Run) -> list[str]:
    return [finding.text for finding in judge(None, [run]).findings if finding.kind is FindingKind.TOO_GOOD]


def test_faster_than_the_roofline_is_too_good_even_where_it_is_new() -> None:
    assert told(run_of(1.2e-3)) == []  # 1 TFLOP at 989 TFLOP/s take 1.01 ms
    (text,) = told(run_of(0.5e-3))
    assert str(case()) in text
    assert "0.49x the least time that its card can take (roofline); confirm it first" in text
    assert told(run_of(0.5e-3, name="Made Up GPU")) == []
    # Float32 may do with 2.25 times fewer multiplications than are counted: 1 TFLOP at 67 TFLOP/s would take 14.9 ms.
    assert told(run_of(8e-3, precision="fp32")) == []
    assert len(told(run_of(6e-3, precision="fp32"))) == 1


def test_it_is_not_promoted_without_a_reason() -> None:
    first = Baseline("baseline.json", H100, (run_of(2e-3, day=1).replicate, run_of(2e-3, day=2).replicate))

    def against(device_s: float) -> list[str]:
        runs = [run_of(device_s, day=day) for day in (3, 4)]
        found = objections(first, runs, judge(first, runs), Limits())
        return [one.text for one in found if "(roofline); confirm it first" in one.text]

    assert len(against(0.5e-3)) == 1
    assert against(2e-3) == []
