"""How far processes lie apart whose weights, engines and graphs are placed by chance; a table of docs/device-times.md.

``python docs/scripts/placed.py`` makes it from the processes of results/h200/2026-11-27-nightly/.
"""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from statistics import fmean, median, variance
from typing import TYPE_CHECKING, NamedTuple

from blocks import with_blocks
from gpu_records import load

if TYPE_CHECKING:
    from perfkit.record.schema import CaseRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
NIGHTLY = ROOT / "results" / "h200" / "2026-11-27-nightly"


class Spread(NamedTuple):
    """Of one case, between processes."""

    case: str
    times_us: list[float]
    of_time: float
    """Standard deviation of the logarithm."""
    of_speedup: float


def undisturbed() -> dict[str, list[CaseRecord]]:
    """By case what each process recorded that was alone on its GPU."""
    found = defaultdict(list)
    for path in sorted(NIGHTLY.glob("shard-*/replicate-*.json.xz")):
        for case in load(path)[1]:
            if case.rounds.variant_device_s and not (case.conditions and case.conditions.spoiled):
                found[f"{case.model}/{case.variant}/{case.shape}"].append(case)
    return found


def spread(name: str, processes: list[CaseRecord]) -> Spread:
    """Of the medians over the rounds."""
    times_us, speedups = [], []
    for process in processes:
        own_s, reference_s = process.rounds.variant_device_s or [], process.rounds.reference_device_s or []
        times_us.append(1e6 * median(own_s))
        speedups.append(median(math.log(r / v) for r, v in zip(reference_s, own_s, strict=True)))
    of_time, of_speedup = (math.sqrt(variance(found)) for found in ([math.log(us) for us in times_us], speedups))
    return Spread(name, times_us, of_time, of_speedup)


def root_mean_square(spreads: list[float]) -> float:
    """Pooled."""
    return math.sqrt(fmean(each * each for each in spreads))


def row(name: str, found: list[Spread]) -> str:
    """One variant, or all."""
    worst = max(found, key=lambda one: one.of_time)
    model, _, shape = worst.case.split("/")
    lies = f"{min(worst.times_us):.1f} to {max(worst.times_us):.1f} ({model}, {shape})"
    times = [one.of_time for one in found]
    speedups = root_mean_square([one.of_speedup for one in found])
    return f"| {name} | {len(found)} | {median(times):.2%} | {root_mean_square(times):.2%} | {speedups:.2%} | {lies} |"


def table() -> list[str]:
    """A row a variant."""
    by_variant = defaultdict(list)
    for name, processes in undisturbed().items():
        if len(processes) > 1:
            by_variant[name.split("/")[1]].append(spread(name, processes))
    return [
        "| variant | cases | half of them within | time, pooled | speedup, pooled | the widest, µs |",
        "|---|---|---|---|---|---|",
        *(row(name, found) for name, found in by_variant.items()),
        row("all", [one for found in by_variant.values() for one in found]),
    ]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"placed": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
