"""How far processes lie apart that place by chance, and what the judge says of them; tables of docs/device-times.md.

``python docs/scripts/placed.py`` makes them from the processes of results/h200/2026-11-27-nightly/.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from statistics import fmean, median, variance
from typing import TYPE_CHECKING, NamedTuple

from blocks import with_blocks
from gpu_records import load
from outcomes import read
from packed import plain

from perfkit.judge.compare import judge
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import read_baseline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.judge.verdict import Judgement
    from perfkit.record.schema import CaseRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
NIGHTLY = ROOT / "results" / "h200" / "2026-11-27-nightly"
FIVE = ("shard-3", "shard-4")
"""Shards that five processes measured."""
SPLITS = ((4, 1), (3, 2), (3, 1))


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
    worst = max(found, key=lambda one: max(one.times_us) / min(one.times_us))
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


def nights(shard: str, before: int, after: int) -> Iterator[Judgement]:
    """Of a shard's processes so many as baseline and so many as a night without a change, in every way."""
    folder = NIGHTLY / shard
    runs = list(read(folder))
    with plain(folder) as unpacked:
        baseline = read_baseline(unpacked)
    for night in combinations(range(len(runs)), after):
        others = [index for index in range(len(runs)) if index not in night]
        for chosen in combinations(others, before):
            replicates = tuple(runs[index].replicate for index in chosen)
            yield judge(replace(baseline, replicates=replicates), [runs[index] for index in night])


def verdict_table() -> list[str]:
    """A row a shard and split."""
    heads = (
        "models",
        "baseline : run",
        "nights",
        "one REGRESSED",
        "one IMPROVED",
        "INCONCLUSIVE a night",
        "which",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for shard in FIVE:
        for before, after in SPLITS:
            found = [[row for row in judgement.rows if row.compared] for judgement in nights(shard, before, after)]
            models = ", ".join(sorted({row.case.model for rows in found for row in rows}))
            falls, rises, unsure = (
                [[str(row.case) for row in rows if row.verdict is verdict] for rows in found]
                for verdict in (Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INCONCLUSIVE)
            )
            named = Counter(case for night in (*falls, *rises, *unsure) for case in night)
            lines.append(
                f"| {models} | {before} : {after} | {len(found)} | {sum(map(bool, falls))} | {sum(map(bool, rises))} "
                f"| {fmean(map(len, unsure)):.1f} | {', '.join(case for case, _ in named.most_common()) or '-'} |"
            )
    return lines


def main() -> str:
    """The page with its tables made anew."""
    return with_blocks(PAGE, {"placed": table(), "placed-nights": verdict_table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
