"""What judging costs: 1,000 cases with 20 replicates in the baseline and three in the run; a table of docs/speed.md.

``python docs/scripts/judge_cost.py --measure`` times it in fresh processes on an idle machine and adds that to
results/cpu/judge-cost.json; without the option the page's table is made from that file. The times that are judged are
made up: what they are makes no difference to how long that takes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import random
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from blocks import with_blocks

from perfkit.catalog.case import Platform
from perfkit.judge.compare import judge
from perfkit.record.baseline import Baseline
from perfkit.record.replicate import Replicate, Run, Sample, Timing
from perfkit.record.schema import Hardware

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "speed.md"
DATA = ROOT / "results" / "cpu" / "judge-cost.json"
SIZES = ((100, 20, 3), (1000, 20, 3))
"""Cases, replicates of the baseline and of the run."""
PROCESSES = 5


def replicate(number: int, cases: int, side: str) -> Replicate:
    """One process's samples of 10 variants each of as many models as it takes."""
    rng = random.Random(f"{side} {number}")  # noqa: S311 - made-up times
    samples = []
    for case in range(cases):
        device, wall = (timing(rng, scale) for scale in (1e-3, 3e-3))
        samples.append(
            Sample(
                model=f"model{case // 30}",
                variant=f"variant{case % 10}",
                shape=f"1x3x{32 * (1 + case // 10 % 3)}x32",
                rounds=50,
                paired=True,
                wall=wall,
                device=device,
                comparability={"device_by": "repeated"},
            )
        )
    when = dt.datetime(2026, 1, 1 if side == "baseline" else 2, number, tzinfo=dt.UTC).isoformat()
    software, settings = {"torch": "2.11.0"}, {"cudnn_benchmark": "False"}
    return Replicate(
        run_id=f"{side}-{number}",
        datetime=when,
        commit="0" * 40,
        suite="made-up",
        platform=Platform.CUDA,
        software=software,
        settings=settings,
        samples=samples,
    )


def timing(rng: random.Random, scale_s: float) -> Timing:
    """A reference twice as slow as its variant, each with half a percent of noise."""
    reference_s, variant_s = (scale_s * share * math.exp(rng.gauss(0, 0.005)) for share in (2, 1))
    return Timing(
        variant_s=variant_s,
        variant_se=1e-3,
        reference_s=reference_s,
        reference_se=1e-3,
        log_speedup=math.log(reference_s / variant_s),
        log_speedup_se=1e-3,
    )


def one_process() -> list[float]:
    """Seconds of each size, the data being in memory."""
    hardware = Hardware(platform=Platform.CUDA, name="made up", count=1, memory_gib=80)
    taken_s = []
    for cases, before, after in SIZES:
        baseline = Baseline("baseline", hardware, tuple(replicate(n, cases, "baseline") for n in range(before)))
        current = [replicate(n, cases, "run") for n in range(after)]
        runs = [Run(source=one.run_id, hardware=hardware, replicate=one, outcomes=[]) for one in current]
        started_s = time.perf_counter()
        rows = judge(baseline, runs).rows
        taken_s.append(time.perf_counter() - started_s)
        if len(rows) != cases:
            raise AssertionError(len(rows))
    return taken_s


def measure() -> dict[str, Any]:
    """Fresh processes, one after another."""
    from perfkit.measure.machine import cpu_count, cpu_name

    child = [sys.executable, __file__, "--child"]
    found = [json.loads(subprocess.run(child, capture_output=True, check=True).stdout) for _ in range(PROCESSES)]  # noqa: S603 - this script again
    return {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpu": f"{cpu_name()} x{cpu_count()}",
        "python": ".".join(map(str, sys.version_info[:3])),
        "seconds": found,
    }


def measured() -> list[dict[str, Any]]:
    """On every machine so far."""
    found: list[dict[str, Any]] = json.loads(DATA.read_text("utf-8"))
    return found


def main() -> str:
    """The page with its table made anew."""
    lines = [
        "| machine | cases | replicates | seconds, median of five processes | largest |",
        "|---" * 5 + "|",
    ]
    for one in measured():
        machine = f"{one['cpu']}, python {one['python']}, {one['datetime'][:10]}"
        for (cases, before, after), taken_s in zip(SIZES, zip(*one["seconds"], strict=True), strict=True):
            lines.append(f"| {machine} | {cases:,} | {before} : {after} | {median(taken_s):.2f} | {max(taken_s):.2f} |")
    lines += ["", "Reading the files isn't in it."]
    return with_blocks(PAGE, {"judge-cost": lines})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        sys.stdout.write(json.dumps(one_process()))
    elif asked.measure:
        DATA.write_text(json.dumps([*measured(), measure()], indent=1) + "\n", "utf-8")
    else:
        PAGE.write_text(main(), "utf-8")
