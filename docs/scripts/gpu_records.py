"""What the pages take from the records of a GPU."""

from __future__ import annotations

import json
import math
from statistics import median
from typing import TYPE_CHECKING

from packed import content

from perfkit.record.schema import CaseRecord, RunRecord

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path) -> tuple[RunRecord, list[CaseRecord]]:
    """The run's record and its cases, in the order of measuring."""
    data = json.loads(content(path))
    cases = [CaseRecord.model_validate(b["extra_info"]["perfkit"]) for b in data["benchmarks"]]
    return RunRecord.model_validate(data["perfkit"]), cases


def speedup(case: CaseRecord, clock: str) -> tuple[float, float]:
    """Median over the rounds of reference / variant, and the relative half-width of its middle half."""
    rounds = case.rounds.model_dump()
    logs = sorted(
        math.log(r / v) for r, v in zip(rounds[f"reference_{clock}_s"], rounds[f"variant_{clock}_s"], strict=True)
    )
    quarter = len(logs) // 4
    return math.exp(median(logs)), math.expm1((logs[-quarter - 1] - logs[quarter]) / 2)


def milliseconds(times_s: list[float] | None) -> float:
    """The median of some times, in ms; NaN where there are none."""
    return median(times_s or [math.nan]) * 1e3


def machine_lines(run: RunRecord) -> list[str]:
    """What the run was measured on."""
    software = ", ".join(
        f"{name} {run.software[name]}"
        for name in ("driver", "cuda", "cudnn", "tensorrt", "torch-tensorrt", "torch", "torchvision", "nvidia-modelopt")
    )
    hardware = run.hardware

    def both(reading: str) -> str:
        return f"{run.machine_state[f'start_gpu_{reading}']} and {run.machine_state[f'end_gpu_{reading}']}"

    capability = (hardware.compute_capability or "").replace(".", "")
    settings = ", ".join(f"{name} {value}" for name, value in run.settings.items())
    clocks, throttled, processes = both("sm_mhz"), both("throttle_reasons"), both("processes")
    held = [run.machine_state[f"{moment}_gpu_allocated_bytes"] for moment in ("start", "end")]
    return [
        f"- {hardware.name} × {hardware.count}, {hardware.memory_gib} GiB, sm_{capability}",
        f"- Python {run.software['python']}, {software}",
        f"- settings: {settings}",
        f"- GPU memory that PyTorch held at the start {held[0]:,} bytes, at the end {held[1]:,}",
        f"- at the start and at the end: SM clock {clocks} MHz, processes {processes}, throttle reasons {throttled}",
    ]
