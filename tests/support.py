"""Run files made up for tests: the shape of perfkit's own records, times drawn from a seed."""

from __future__ import annotations

import json
import math
import os
import random
from pathlib import Path
from statistics import mean, median, quantiles, stdev
from typing import TYPE_CHECKING, Any

import perfkit
from perfkit.catalog.case import CaseId, Platform
from perfkit.record.facts import BuildFacts, Memory
from perfkit.record.read import run_from_json
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
    from collections.abc import Callable

    from perfkit.judge.verdict import Judgement, Verdict
    from perfkit.record.replicate import Run

INPUTS = Path(__file__).parent / "cases" / "inputs"
SHAPE, LARGE = "1x3x224x224", "8x3x224x224"
GPU = Hardware(platform=Platform.CUDA, name="Made Up GPU", count=1, memory_gib=80, compute_capability="9.0")
CPU = Hardware(platform=Platform.CPU, name="Made Up CPU", count=2, memory_gib=24)

Times = dict[CaseId, tuple[float, float]]
"""Reference and variant seconds of each case."""


def case(variant: str = "trt-fp16", model: str = "resnet50", shape: str = SHAPE) -> CaseId:
    return CaseId(model, variant, shape)


def usual_times() -> Times:
    """Two models, two shapes, the reference and two variants."""
    times: Times = {}
    for model, base_s in (("resnet50", 4e-3), ("mobilenet_v2", 2e-3)):
        for shape, factor in ((SHAPE, 1.0), (LARGE, 3.0)):
            reference_s = base_s * factor
            for variant, speedup in (("eager-fp32", 1.0), ("trt-fp16", 4.0), ("trt-int8", 5.0)):
                times[CaseId(model, variant, shape)] = (reference_s, reference_s / speedup)
    return times


def slowed(times: Times, which: CaseId, factor: float) -> Times:
    reference_s, variant_s = times[which]
    return {**times, which: (reference_s, variant_s * factor)}


def run_data(
    times: Times | None = None,
    *,
    day: int = 1,
    rounds: int = 20,
    jitter: float = 0.003,
    between: float = 0.0,
    hardware: Hardware = GPU,
    outcomes: tuple[Outcome, ...] = (),
    facts: BuildFacts | None = None,
    weights: str = "random seed 0",
    **run: Any,
) -> dict[str, Any]:
    """What one run file holds. `day` seeds the noise: `jitter` per round, `between` per process."""
    rng = random.Random(day)  # noqa: S311
    times = usual_times() if times is None else times
    facts = facts or BuildFacts(build_s=2.5, engines=1, layers=56, fallback_ops=0)
    benchmarks = []
    for identity, (reference_s, variant_s) in times.items():
        scale = math.exp(rng.gauss(0, between))
        record = case_record(
            identity,
            [reference_s * math.exp(rng.gauss(0, jitter)) for _ in range(rounds)],
            [variant_s * scale * math.exp(rng.gauss(0, jitter)) for _ in range(rounds)],
            hardware=hardware,
            facts=facts,
            weights=weights,
        )
        benchmarks.append(_benchmark(identity, record))
    measured = [Outcome(**identity._asdict(), status=Status.MEASURED) for identity in times]
    of_run = RunRecord(
        **{
            "suite": "nightly",
            "platform": hardware.platform,
            "hardware": hardware,
            "software": {"torch": "2.11.0", "driver": "580.1"},
            "settings": {"tf32": False},
            "outcomes": [*measured, *outcomes],
            **run,
        }
    )
    return {
        "machine_info": {"node": "test-host", "python_version": "3.12.1", "release": "6.8", "cpu": {}},
        "commit_info": {"id": f"{day:040x}", "dirty": False},
        "benchmarks": benchmarks,
        "datetime": f"2030-01-{day:02d}T02:14:09+00:00",
        "version": "5.2.3",
        "perfkit": of_run.model_dump(mode="json"),
    }


def make_run(times: Times | None = None, **options: Any) -> Run:
    return run_from_json(run_data(times, **options), "made-up.json")


def write_run(folder: Path, times: Times | None = None, *, day: int = 1, **options: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day:04d}.json"
    path.write_text(json.dumps(run_data(times, day=day, **options)), encoding="utf-8")
    return path


def plain_data(medians_s: dict[CaseId, float], *, day: int = 1, rounds: int = 20) -> dict[str, Any]:
    """A pytest-benchmark file as others write it, without perfkit's record."""
    return {
        "machine_info": {"gpu": {"name": "Made Up GPU", "count": 1, "memory_mib": 81559}},
        "commit_info": {"id": f"{day:040x}"},
        "benchmarks": [
            {
                "fullname": f"bench.py::test[{identity}]",
                "extra_info": {**identity._asdict(), "platform": "cuda"},
                "stats": stats_of([median_s] * rounds) | {"iqr": median_s * 0.005},
            }
            for identity, median_s in medians_s.items()
        ],
        "datetime": f"2030-01-{day:02d}T02:14:09+00:00",
        "version": "5.2.3",
    }


def stats_of(times_s: list[float]) -> dict[str, Any]:
    several = len(times_s) > 1
    low, _, high = quantiles(times_s, n=4, method="inclusive") if several else times_s * 3
    return {
        "min": min(times_s),
        "max": max(times_s),
        "mean": mean(times_s),
        "median": median(times_s),
        "stddev": stdev(times_s) if several else 0.0,
        "iqr": high - low,
        "rounds": len(times_s),
        "iterations": 1,
        "data": times_s,
    }


def benchmark_of(data: dict[str, Any], which: CaseId) -> dict[str, Any]:
    """The entry of a case in a run file's data."""
    for entry in data["benchmarks"]:
        own = entry["extra_info"].get("perfkit", entry["extra_info"])
        if (own["model"], own["variant"], own["shape"]) == which:
            found: dict[str, Any] = entry
            return found
    raise LookupError(which)


def edit_records(path: Path, change: Callable[[dict[str, Any]], object], *which: CaseId) -> Path:
    """Change the records of some cases of a run file, or of all; the file is written again."""
    data = json.loads(path.read_text("utf-8"))
    for entry in data["benchmarks"]:
        record = entry["extra_info"]["perfkit"]
        if not which or CaseId(record["model"], record["variant"], record["shape"]) in which:
            change(record)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def spoil(record: dict[str, Any]) -> None:
    """Most rounds of a case were disturbed."""
    disturbed = {"the GPU was too hot": 15}
    record["conditions"] = {"rounds": len(record["rounds"]["order"]), "disturbed": disturbed, "spoiled": True}


def replay(record: dict[str, Any]) -> None:
    """Its device times are those of replayed graphs."""
    record["rounds"]["device_by"] = "cold"


def verdicts(judgement: Judgement) -> dict[str, Verdict]:
    """By variant, of a judgement on one model at one shape."""
    return {row.variant: row.verdict for row in judgement.rows}


def program_environment() -> dict[str, str]:
    """The environment in which a fresh Python finds the perfkit under test."""
    source = str(Path(perfkit.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": source}


def case_record(
    identity: CaseId,
    reference_s: list[float],
    variant_s: list[float],
    *,
    hardware: Hardware,
    facts: BuildFacts,
    weights: str,
) -> CaseRecord:
    """The record of a case with these times, all else as it usually is."""
    cuda = hardware.platform is Platform.CUDA
    return CaseRecord(
        **identity._asdict(),
        platform=hardware.platform,
        rounds=Rounds(
            order=("RV" * len(variant_s))[: len(variant_s)],
            reference_wall_s=[time + (5e-5 if cuda else 0) for time in reference_s],
            variant_wall_s=[time + (5e-5 if cuda else 0) for time in variant_s],
            reference_device_s=reference_s if cuda else None,
            variant_device_s=variant_s if cuda else None,
        ),
        warmup=Warmup(reference_calls=8, variant_calls=8, variant_cold_call_s=0.4, stable=True),
        agreement=Agreement(images=8, cosine_min=0.9995, sqnr_db_min=31.0, top1_agreement=1.0),
        facts=facts,
        reference_facts=BuildFacts(build_s=0.01),
        memory=Memory(),
        comparability=Comparability(
            weights=weights,
            weights_sha256="0" * 64,
            images="made up",
            profile="1x3x112x112..1x3x224x224..1x3x448x448",
            settings={"tf32": False},
        ),
    )


def _benchmark(identity: CaseId, record: CaseRecord) -> dict[str, Any]:
    return {
        "fullname": f"benchmarks/bench_latency.py::bench_latency[{'-'.join(identity)}]",
        "extra_info": {"perfkit": record.model_dump(mode="json")},
        "options": {"timer": "synchronized"},
        "stats": stats_of(list(record.rounds.variant_wall_s)),
    }
