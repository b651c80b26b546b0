"""What a call costs when its memory is given back to the kernel and fetched again; the table of docs/cpu-noise.md.

``python docs/scripts/cpu_page_faults.py --measure`` writes results/cpu/page-faults.json (2 minutes on an idle machine
with glibc): mobilenet_v2 by plain PyTorch in fresh processes that do nothing else, every second one with an allocator
that keeps its memory. Without the option the page's table is made from that file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from blocks import with_blocks
from cpu_host import described, versions

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cpu-noise.md"
DATA = ROOT / "results" / "cpu" / "page-faults.json"
MODEL, SHAPE = "mobilenet_v2", (1, 3, 224, 224)
PROCESSES, WARMUP_CALLS, CALLS = 10, 30, 200
KEEPING = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_TOP_PAD_": str(1 << 28),
}
WAYS = {"as it is": {}, "keeping its memory": KEEPING}


def one() -> dict[str, float]:
    """This process's usual call and its page faults."""
    import torch
    from torchvision.models import get_model

    model, images, times_s = get_model(MODEL, weights=None).eval(), torch.rand(SHAPE), []
    with torch.inference_mode():
        for _ in range(WARMUP_CALLS):
            model(images)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(CALLS):
            started_s = time.perf_counter()
            model(images)
            times_s.append(time.perf_counter() - started_s)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return {"call_ms": round(1e3 * median(times_s), 3), "faults_a_call": round(faults / CALLS, 1)}


def measure() -> dict[str, Any]:
    """Both ways in turn, a process each."""
    about = described()
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(PROCESSES):
        for way, environment in WAYS.items():
            command = [sys.executable, __file__, "--one"]
            done = subprocess.run(  # noqa: S603 - this script
                command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
            )
            found[way].append(json.loads(done.stdout))
    return about | {"processes": found}


def table(data: dict[str, Any]) -> list[str]:
    """One row a way: the usual call, and the page faults in it, from process to process."""
    lines = [
        "| glibc's allocator | processes | a call | smallest to largest | page faults a call | smallest to largest |",
        "|---|---|---|---|---|---|",
    ]
    for way, processes in data["processes"].items():
        times_ms, faults = ([each[name] for each in processes] for name in ("call_ms", "faults_a_call"))
        lines.append(
            f"| {way} | {len(processes)} | {median(times_ms):.2f} ms | {min(times_ms):.2f} to {max(times_ms):.2f} ms "
            f"| {median(faults):,.0f} | {min(faults):,.0f} to {max(faults):,.0f} |"
        )
    told = versions(data, "python", "torch")
    shape = "x".join(map(str, SHAPE))
    return [
        *lines,
        "",
        (
            f"{MODEL} at {shape}, random weights, {CALLS} calls a process; {data['machine']}, {told}; load average "
            f"{data['load_average_1min']} before; {data['datetime'][:10]}."
        ),
    ]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"page-faults": table(json.loads(DATA.read_text("utf-8")))})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        sys.stdout.write(json.dumps(one()))
    else:
        if asked.measure:
            DATA.write_text(json.dumps(measure(), indent=1) + "\n", "utf-8")
        PAGE.write_text(main(), "utf-8")
