"""How far device times and speedups of processes lie apart, with an emptied cache; docs/device-times.md.

``python docs/scripts/spreads.py`` makes the tables from the processes of results/h200/2026-11-28-nights/ and
2026-11-28-nightly/.
"""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path
from statistics import fmean, median, variance
from typing import TYPE_CHECKING, NamedTuple

from blocks import with_blocks
from gpu_records import load
from results_tables import NIGHTLY, measured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfkit.record.schema import CaseRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
COLD_NIGHTS = ROOT / "results" / "h200" / "2026-11-28-nights"
UNCHANGED = ("baseline-card-0", "baseline-card-1", "unchanged-1", "drill/clean")
Case = tuple[str, str, str]
"""Model, variant, shape."""


class Spread(NamedTuple):
    """Of one case, between processes."""

    case: str
    times_us: list[float]
    of_time: float
    """Standard deviation of the logarithm."""
    of_speedup: float


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
    worst = max(found, key=lambda one: max(one.times_us) / min(one.times_us))
    model, _, shape = worst.case.split("/")
    lies = f"{min(worst.times_us):.1f} to {max(worst.times_us):.1f} ({model}, {shape})"
    times = [one.of_time for one in found]
    speedups = root_mean_square([one.of_speedup for one in found])
    return f"| {name} | {len(found)} | {median(times):.2%} | {root_mean_square(times):.2%} | {speedups:.2%} | {lies} |"


def of_cold_nights() -> dict[Case, list[CaseRecord]]:
    """Of each case its processes with an emptied cache in which nothing was changed."""
    found = defaultdict(list)
    for folder in UNCHANGED:
        for path in sorted((COLD_NIGHTS / folder).glob("replicate-*.json.xz")):
            for record in load(path)[1]:
                found[record.model, record.variant, record.shape].append(record)
    return found


def table(cases: Mapping[Case, list[CaseRecord]]) -> list[str]:
    """A row a variant."""
    by_variant = defaultdict(list)
    for (model, variant, shape), processes in cases.items():
        by_variant[variant].append(spread(f"{model}/{variant}/{shape}", processes))
    return [
        "| variant | cases | half of them within | time, pooled | speedup, pooled | the widest, µs |",
        "|---|---|---|---|---|---|",
        *(row(name, found) for name, found in by_variant.items()),
        row("all", [one for found in by_variant.values() for one in found]),
    ]


def main() -> str:
    """The page with its tables made anew."""
    nights, nightly = of_cold_nights(), measured(NIGHTLY).cases
    return with_blocks(PAGE, {"cold-processes": table(nights), "cold-nightly": table(nightly)})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
