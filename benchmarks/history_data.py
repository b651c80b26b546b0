"""Years of made-up runs for benchmarks of the history: real records of the schema, numbers drawn from a seed."""

from __future__ import annotations

import datetime as dt
import math
import random
from statistics import fmean, quantiles, stdev
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import Platform
from perfkit.record.facts import BuildFacts, Memory
from perfkit.record.replicate import Replicate, Run, Sample, Tail, Timing
from perfkit.record.schema import (
    Agreement,
    CaseRecord,
    Comparability,
    Hardware,
    Outcome,
    Rounds,
    RunRecord,
    Status,
    Warmup,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

HARDWARE = Hardware(platform=Platform.CUDA, name="Made Up GPU", count=1, memory_gib=80, compute_capability="9.0")
METRICS = 10
"""A sample below has so many numbers that the history keeps."""
_FIRST_NIGHT = dt.datetime(2030, 1, 1, 2, 17, tzinfo=dt.UTC)
_UPGRADE_EVERY_NIGHTS = 90
_ROUNDS = 20
_HOST_S = 5e-5
"""What a wall time has beyond the device's."""
_VARIANTS = ("eager-fp16", "inductor-fp16", "onnx-trt-fp16", "onnx-trt-int8", "trt-fp16", "trt-int8", "trt-fp8")


def nights(count: int, cases: int) -> Iterator[Run]:
    """So many nights of one replicate each.

    Of a hundred cases one loses a twentieth of its speedup for good in the middle, and one drifts down by a tenth.
    """
    rng = random.Random(7)  # noqa: S311 - no secret
    names = _names(cases)
    for night in range(count):
        samples = []
        for index, (model, variant, shape) in enumerate(names):
            log = rng.gauss(0, 0.01)
            if index % 100 == 1 and night >= count // 2:
                log -= 0.05
            if index % 100 == 2:
                log -= 0.1 * night / count
            samples.append(_sample(model, variant, shape, log))
        yield Run(
            source=f"night-{night:04d}.json",
            hardware=HARDWARE,
            replicate=Replicate(
                run_id=f"{night:016x}",
                datetime=(_FIRST_NIGHT + dt.timedelta(days=night)).isoformat(),
                commit=f"{night:040x}",
                suite="nightly",
                platform=Platform.CUDA,
                software={"torch": f"2.{11 + night // _UPGRADE_EVERY_NIGHTS}.0", "driver": "580.1"},
                settings={"tf32": "False"},
                samples=samples,
            ),
            outcomes=[],
        )


def run_file(cases: int, night: dt.date) -> dict[str, Any]:
    """One night as pytest-benchmark saves it, with perfkit's record, for commands that read files."""
    rng = random.Random(night.toordinal())  # noqa: S311 - no secret
    benchmarks, outcomes = [], []
    for model, variant, shape in _names(cases):
        record = _record(rng, model, variant, shape)
        times_s = record.rounds.variant_wall_s
        low_s, middle_s, high_s = quantiles(times_s, n=4, method="inclusive")
        stats: dict[str, Any] = {"min": min(times_s), "max": max(times_s), "mean": fmean(times_s), "median": middle_s}
        stats |= {"stddev": stdev(times_s), "iqr": high_s - low_s, "rounds": _ROUNDS, "iterations": 1, "data": times_s}
        extra = {"perfkit": record.model_dump(mode="json")}
        name = f"bench.py::test[{model}-{variant}-{shape}]"
        benchmarks.append({"fullname": name, "extra_info": extra, "stats": stats})
        outcomes.append(Outcome(model=model, variant=variant, shape=shape, status=Status.MEASURED))
    record_of_run = RunRecord(
        suite="nightly",
        platform=Platform.CUDA,
        hardware=HARDWARE,
        software={"torch": "2.11.0", "driver": "580.1"},
        settings={"tf32": False},
        outcomes=outcomes,
    )
    return {
        "machine_info": {"python_version": "3.12.1", "release": "6.8", "cpu": {}},
        "commit_info": {"id": f"{night.toordinal():040x}", "dirty": False},
        "benchmarks": benchmarks,
        "datetime": f"{night.isoformat()}T02:17:00+00:00",
        "version": "5.2.3",
        "perfkit": record_of_run.model_dump(mode="json"),
    }


def _names(cases: int) -> list[tuple[str, str, str]]:
    return [(f"model_{i // 35:03d}", _VARIANTS[i % 7], f"{1 + i // 7 % 5}x3x224x224") for i in range(cases)]


def _record(rng: random.Random, model: str, variant: str, shape: str) -> CaseRecord:
    reference_s = [4e-3 * math.exp(rng.gauss(0, 0.003)) for _ in range(_ROUNDS)]
    variant_s = [1e-3 * math.exp(rng.gauss(0, 0.003)) for _ in range(_ROUNDS)]
    return CaseRecord(
        model=model,
        variant=variant,
        shape=shape,
        platform=Platform.CUDA,
        rounds=Rounds(
            order="RV" * (_ROUNDS // 2),
            reference_wall_s=[time_s + _HOST_S for time_s in reference_s],
            variant_wall_s=[time_s + _HOST_S for time_s in variant_s],
            reference_device_s=reference_s,
            variant_device_s=variant_s,
        ),
        warmup=Warmup(reference_calls=8, variant_calls=8, variant_cold_call_s=0.4, stable=True),
        agreement=Agreement(images=8, cosine_min=0.9995, sqnr_db_min=31.0, top1_agreement=1.0),
        facts=BuildFacts(build_s=2.5, engines=1, layers=56, fallback_ops=0),
        reference_facts=BuildFacts(build_s=0.01),
        memory=Memory(),
        comparability=Comparability(
            weights="random, seed 0", weights_sha256="0" * 64, images="made up", profile="any", settings={"tf32": False}
        ),
    )


def _sample(model: str, variant: str, shape: str, log: float) -> Sample:
    speedup = 3.0 * 2.718281828**log
    timing = Timing(
        variant_s=4e-3 / speedup,
        variant_se=0.001,
        reference_s=4e-3,
        reference_se=0.001,
        log_speedup=1.0986 + log,
        log_speedup_se=0.0015,
    )
    # Without validation: it costs more than all the rest, and read_run has done it for a real file.
    return Sample.model_construct(
        model=model,
        variant=variant,
        shape=shape,
        rounds=20,
        paired=True,
        first_round_ratio=1.0,
        wall=timing,
        device=timing,
        tail=Tail.model_construct(p95_s=2e-3, p99_s=2e-3, max_s=2e-3, spikes=0),
        comparability={},
        facts={"engine_bytes": 25_000_000, "layers": 56},
        agreement=Agreement.model_construct(images=8, cosine_min=0.9995, sqnr_db_min=31.0, top1_agreement=1.0),
        costs={"load_s": 0.2, "cold_call_s": 0.4},
    )
