"""How far processes lie apart, and lay that placed by chance, with what the judge says of these; docs/device-times.md.

``python docs/scripts/placed.py`` makes the tables from the processes of results/h200/2026-11-28-nights/ and
2026-11-27-nightly/.
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
from results_tables import EARLIER, measured

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.judge.compare import judge
from perfkit.judge.drill import slowed_sample
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import read_baseline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from perfkit.catalog.case import CaseId
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run
    from perfkit.record.schema import CaseRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
COLD_NIGHTS = ROOT / "results" / "h200" / "2026-11-28-nights"
UNCHANGED = ("baseline-card-0", "baseline-card-1", "unchanged-1", "drill/clean")
FIVE = ("shard-3", "shard-4")
"""Shards that five processes measured."""
Case = tuple[str, str, str]
"""Model, variant, shape."""
SPLITS = ((4, 1), (3, 2), (3, 1))
CAUGHT_SPLIT = (3, 2)
SLOWER = (0.03, 0.05)


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


class Night(NamedTuple):
    """Some of a shard's processes as the baseline, and others as a night without a change."""

    baseline: Baseline
    runs: list[Run]

    def slowed(self, case: CaseId, share: float) -> list[Run]:
        """With one case slower."""
        return [_slowed(run, case, share) for run in self.runs]


def _slowed(run: Run, case: CaseId, share: float) -> Run:
    samples = [slowed_sample(each, share) if each.case == case else each for each in run.replicate.samples]
    return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})


def nights(shard: str, before: int, after: int) -> Iterator[Night]:
    """In every way."""
    folder = EARLIER / shard
    runs = list(read(folder))
    with plain(folder) as unpacked:
        baseline = read_baseline(unpacked)
    for night in combinations(range(len(runs)), after):
        others = [index for index in range(len(runs)) if index not in night]
        for chosen in combinations(others, before):
            replicates = tuple(runs[index].replicate for index in chosen)
            yield Night(replace(baseline, replicates=replicates), [runs[index] for index in night])


def verdict_table() -> list[str]:
    """A row a shard and split."""
    heads = ("models", "baseline : run", "nights", "one REGRESSED", "one IMPROVED", "INCONCLUSIVE a night", "which")
    seeing = "half of the cases could see, nine of ten, all"
    lines = [f"| {' | '.join(heads)} | {seeing} |", "|---" * (len(heads) + 1) + "|"]
    for shard in FIVE:
        for before, after in SPLITS:
            judgements = [judge(night.baseline, night.runs) for night in nights(shard, before, after)]
            found = [[row for row in judgement.rows if row.compared] for judgement in judgements]
            models = ", ".join(sorted({row.case.model for rows in found for row in rows}))
            falls, rises, unsure = (
                [[str(row.case) for row in rows if row.verdict is verdict] for rows in found]
                for verdict in (Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INCONCLUSIVE)
            )
            named = Counter(case for night in (*falls, *rises, *unsure) for case in night)
            seen = sorted(row.detectable_pct for rows in found for row in rows if row.detectable_pct is not None)
            which = ", ".join(case for case, _ in named.most_common()) or "-"
            could = ", ".join(f"{seen[math.ceil(share * len(seen)) - 1]:.1f}%" for share in (0.5, 0.9, 1))
            lines.append(
                f"| {models} | {before} : {after} | {len(found)} | {sum(map(bool, falls))} | {sum(map(bool, rises))} "
                f"| {fmean(map(len, unsure)):.1f} | {which} | {could} |"
            )
    return lines


def caught_table() -> list[str]:
    """Of all cases of all nights, each slowed alone, the share that is named."""
    before, after = CAUGHT_SPLIT
    of = 0
    missed = {share: Counter[str]() for share in SLOWER}
    for shard in FIVE:
        for night in nights(shard, before, after):
            cases = {sample.case for run in night.runs for sample in run.replicate.samples}
            for case in sorted(case for case in cases if case.variant != REFERENCE_VARIANT):
                of += 1
                for share in SLOWER:
                    rows = judge(night.baseline, night.slowed(case, share)).rows
                    if not any(row.case == case and row.verdict is Verdict.REGRESSED for row in rows):
                        missed[share][str(case)] += 1
    lines = [
        f"| one case slower by | named REGRESSED, of {of}, {before} : {after} | missed, how often |",
        "|---|---|---|",
    ]
    for share, lost in missed.items():
        told = ", ".join(f"{case} {count}" for case, count in lost.most_common())
        named = of - lost.total()
        lines.append(f"| {share:.0%} | {named} ({named / of:.1%}) | {told} |")
    return lines


def main() -> str:
    """The page with its tables made anew."""
    spreads = {"cold-processes": table(of_cold_nights()), "placed": table(measured(EARLIER).cases)}
    return with_blocks(PAGE, {**spreads, "placed-nights": verdict_table(), "placed-caught": caught_table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
