"""What device times owe to launches, process by process; two tables of docs/device-times.md.

``python docs/scripts/launch_gaps.py --measure FILE`` measures eager-fp32 of mobilenet_v2 on a GPU in fresh processes,
queued kernel by kernel and replayed from graphs, on CPUs that it chooses in turn. Without the option the page's tables
are made from the committed files; the second is of ordinary records, one a process. Queued calls find an emptied cache
since 2026-11-28; what is recorded is from before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from blocks import with_blocks
from gpu_host import behind_itself_s, described, keep, measure_or_write
from packed import content

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
DATA = ROOT / "results" / "h100" / "2026-11-26-launch-gaps.json"
RECORDS = ROOT / "results" / "h200" / "2026-11-26-replays"
PROCESSES, CALLS, GRAPHS = 12, 60, 6


def measure(target: Path) -> None:
    """Every second process is bound to one CPU, another each time."""
    cpus = sorted(os.sched_getaffinity(0))
    data = described() | {"calls": CALLS, "graphs": GRAPHS, "processes": []}
    for number in range(PROCESSES):
        chosen = [cpus[number * len(cpus) // PROCESSES]] if number % 2 else None
        child = [sys.executable, __file__, "--child", json.dumps(chosen)]
        done = subprocess.run(child, capture_output=True, text=True, check=True)  # noqa: S603 - this script again
        data["processes"].append({"process": number, "cpus": chosen} | json.loads(done.stdout.splitlines()[-1]))
        keep(data, target)


def one_process(cpus: list[int] | None) -> dict[str, Any]:
    """Medians in microseconds of one process's calls."""
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    import torch
    import torchvision

    from perfkit.measure.clock import make_clock

    device = torch.device("cuda", 0)
    torch.manual_seed(0)
    model = torchvision.models.get_model("mobilenet_v2", weights=None).eval().to(device)
    images = torch.randn(1, 3, 224, 224, device=device)

    def call() -> Any:
        return model(images)

    clock = make_clock(device)
    with torch.inference_mode(), clock.timed_region():
        until_s = time.perf_counter() + 1
        while time.perf_counter() < until_s:
            call()
        queued = [median(clock.device_s(call) for _ in range(CALLS)) for _ in range(3)]
        replays = [clock.replay_of([call]) for _ in range(GRAPHS)]
        replayed = []
        for replay in replays:
            clock.settle(replay)
            replayed.append(median(behind_itself_s(replay) for _ in range(CALLS)))
        wall = median(clock.wall_s(call) for _ in range(CALLS))
    us = {"queued_us": queued, "replayed_us": replayed, "wall_us": [wall]}
    return {name: [round(1e6 * time_s, 1) for time_s in times_s] for name, times_s in us.items()}


def gaps_table(data: dict[str, Any]) -> list[str]:
    """One row a process."""
    lines = ["| process | queued, µs | replayed from six graphs, µs | wall, µs |", "|---|---|---|---|"]
    for row in data["processes"]:
        where = "any CPU" if row["cpus"] is None else f"CPU {row['cpus'][0]} alone"
        replayed = f"{min(row['replayed_us']):.1f} to {max(row['replayed_us']):.1f}"
        wall_us = row["wall_us"] if isinstance(row["wall_us"], float) else row["wall_us"][0]
        lines.append(f"| {where} | {median(row['queued_us']):.1f} | {replayed} | {wall_us:.0f} |")
    return lines


def replays_table() -> list[str]:
    """One row a case: what its times lie between in the processes, by what ran before."""
    found: dict[str, dict[str, list[float]]] = {}
    for path in sorted(RECORDS.glob("*.json.xz")):
        for benchmark in json.loads(content(path))["benchmarks"]:
            record = benchmark["extra_info"]["perfkit"]
            rounds = record["rounds"]
            case = found.setdefault(f"{record['model']}/{record['variant']}/{record['shape']}", {})
            for order, name in (("R", "behind"), ("V", "own")):
                chosen = [
                    time_s
                    for time_s, came in zip(rounds["variant_device_s"], rounds["order"], strict=True)
                    if came == order
                ]
                case.setdefault(name, []).append(median(chosen))
            case.setdefault("queued", []).append(record["queued"]["variant_s"])
            case.setdefault("reference", []).append(median(rounds["reference_device_s"]))
            case.setdefault("reference queued", []).append(record["queued"]["reference_s"])
    heads = ["its replays behind its own", "behind the reference's", "queued", "reference replayed", "reference queued"]
    lines = [f"| case | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name, times_s in found.items():
        keys = ("own", "behind", "queued", "reference", "reference queued")
        cells = [f"{1e6 * min(times_s[key]):.1f} to {1e6 * max(times_s[key]):.1f}" for key in keys]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def main() -> str:
    """The page with its tables made anew."""
    return with_blocks(
        PAGE, {"launch-gaps": gaps_table(json.loads(DATA.read_text("utf-8"))), "replays": replays_table()}
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.stdout.write(json.dumps(one_process(json.loads(sys.argv[2]))) + "\n")
    else:
        measure_or_write(__doc__, measure, PAGE, main)
