"""The tables of docs/h100.md, from what docs/scripts/h100_nights.sh measured: ``python docs/scripts/h100_nights.py``.

The tables stand between ``<!-- NAME -->`` and ``<!-- end -->``; tests/docs checks that the page is what this makes.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING, NamedTuple

from blocks import with_blocks
from gpu_records import load, machine_lines
from outcomes import read
from spent import rows
from two_gpus import apart

from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import load_baseline

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement
    from perfkit.record.replicate import Run
    from perfkit.record.schema import CaseRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "h100.md"
RESULTS = ROOT / "results"
FOLDER = RESULTS / "h100" / "2026-11-26-nights"
SINCE = RESULTS / "h100" / "2026-11-26-dynamism.json.xz"
"""A process that collects no garbage before it captures."""
STORED = RESULTS / "h100" / "2026-11-26-nights" / "baseline.json"
CARDS = ("baseline-card-0", "baseline-card-1")
NIGHTS = ("unchanged", "slowed-10pct")
SLOWED = "resnet18/trt-fp16/1x3x224x224"
ORDERS_AGREE = PROCESSES_AGREE = 0.01


def paths(name: str) -> list[Path]:
    """The replicates of one of the folders; a repeat of the cases in doubt is none."""
    return sorted((FOLDER / name).glob("replicate-*.json.xz"))


@cache
def runs(name: str) -> tuple[Run, ...]:
    """The same, read as perfkit reads them."""
    return tuple(run for path in paths(name) for run in read(path))


@cache
def judged(night: str) -> Judgement:
    """A night against the stored baseline by today's rule, with its repeats."""
    found = [run for path in sorted((FOLDER / night).glob("re*.json.xz")) for run in read(path)]
    return judge(load_baseline(str(STORED), hardware=found[0].hardware, results=RESULTS), found)


def scores(metric: Metric, *names: str) -> dict[str, list[float]]:
    """Of each case its logs over the processes of the folders, the slowed ones of the slowed case left out."""
    found: dict[str, list[float]] = {}
    for name in names:
        for run in runs(name):
            for sample in run.replicate.sound:
                score = metric.score(sample)
                if score is not None and (name, str(sample.case)) != ("slowed-10pct", SLOWED):
                    found.setdefault(str(sample.case), []).append(score)
    return found


def latency_table() -> list[str]:
    """One row a case: over the five processes of the baseline."""
    lines = [
        "| model | variant | shape | device ms | device speedup | wall ms | wall speedup | lowest cosine |",
        "|---|---|---|---|---|---|---|---|",
    ]
    cosines = {str(s.case): s.agreement.cosine_min for s in runs(CARDS[0])[0].replicate.sound if s.agreement}
    of_metric = {metric: scores(metric, *CARDS) for metric in Metric}
    for case in of_metric[Metric.WALL_TIME]:
        cells = []
        for metric in (Metric.DEVICE_TIME, Metric.DEVICE_SPEEDUP, Metric.WALL_TIME, Metric.WALL_SPEEDUP):
            logs = of_metric[metric][case]
            value = metric.value_of(median(logs))
            digits = 2 if metric.is_speedup or metric is Metric.WALL_TIME else 3
            shown = f"{value * (1 if metric.is_speedup else 1e3):.{digits}f}"
            cells.append(f"{shown} ±{stdev(logs):.1%}" if metric.is_speedup else shown)
        lines.append(f"| {' | '.join(case.split('/'))} | {' | '.join(cells)} | {cosines[case]:.5f} |")
    return lines


def spread_table() -> list[str]:
    """How far processes lie apart, by variant: pooled standard deviations over all processes of the four folders."""
    metrics = (Metric.DEVICE_SPEEDUP, Metric.DEVICE_TIME, Metric.WALL_SPEEDUP, Metric.WALL_TIME)
    of_metric = {metric: scores(metric, *CARDS, *NIGHTS) for metric in metrics}
    lines = [f"| variant | cases | {' | '.join(metrics)} |", "|---" * (2 + len(metrics)) + "|"]
    for variant in dict.fromkeys(case.split("/")[1] for case in of_metric[Metric.WALL_TIME]):
        cells, count = [], 0
        for metric in metrics:
            each = [logs for case, logs in of_metric[metric].items() if case.split("/")[1] == variant]
            count = len(each)
            cells.append(f"{math.sqrt(fmean(stdev(logs) ** 2 for logs in each)):.2%}")
        lines.append(f"| {variant} | {count} | {' | '.join(cells)} |")
    return lines


def nights_table() -> list[str]:
    """What each night ended with."""
    lines = ["| night | replicates | exit code | compared | REGRESSED | could see |", "|---" * 6 + "|"]
    for night in NIGHTS:
        rows = [row for row in judged(night).rows if row.compared]
        counts = Counter(row.verdict for row in rows)
        verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
        regressed = ", ".join(str(row.case) for row in rows if row.verdict is Verdict.REGRESSED)
        seen = [row.detectable_pct for row in rows if row.detectable_pct is not None]
        code = (FOLDER / f"{night}.code").read_text("utf-8").strip()
        repeats = sum(1 for _ in (FOLDER / night).glob("repeat-*"))
        told = f"{len(paths(night))} and {repeats} repeat" if repeats else str(len(paths(night)))
        lines.append(
            f"| {night} | {told} | {code} | {verdicts} | {regressed or '-'} | {min(seen):.1f} to {max(seen):.1f}% |"
        )
    return lines


def records(path: Path) -> list[CaseRecord]:
    """The cases of a file as they were recorded."""
    return load(path)[1]


def orders_table() -> list[str]:
    """The cases whose device times depend on which side the round began with; all others agree within that."""
    lines = [
        (
            "| case | processes | its time behind its own calls, µs | behind the reference's "
            "| the reference's time behind its own, µs | behind the variant's | speedup, each behind its own "
            "| as recorded |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    found: dict[str, list[Sides]] = {}
    for name in (*CARDS, *NIGHTS):
        for path in paths(name):
            for case in records(path):
                key = f"{case.model}/{case.variant}/{case.shape}"
                if (name, key) != ("slowed-10pct", SLOWED):
                    found.setdefault(key, []).append(by_order(case))
    for key, processes in found.items():
        moved = [sides for sides in processes if sides.moved > ORDERS_AGREE]
        if not moved:
            continue
        numbers = [median(getattr(sides, name) for sides in moved) for name in Sides._fields]
        own, behind_reference, reference, behind_variant, recorded = numbers
        lines.append(
            f"| {key} | {len(moved)} of {len(processes)} | {own * 1e6:.1f} | {behind_reference * 1e6:.1f} "
            f"| {reference * 1e6:.1f} | {behind_variant * 1e6:.1f} | {reference / own:.2f} | {recorded:.2f} |"
        )
    rest = max(sides.moved for processes in found.values() for sides in processes if sides.moved <= ORDERS_AGREE)
    (again,) = records(FOLDER / "slowed-10pct" / "repeat-1.json.xz")
    alone = by_order(again)
    return [
        *lines,
        "",
        (
            f"In all others the two orders agree within {rest:.1%}. In the repeat of {SLOWED}, alone in its process "
            f"and slowed, its time was {alone.own_s * 1e6:.1f} and {alone.behind_reference_s * 1e6:.1f} µs, "
            f"the reference's {alone.reference_s * 1e6:.1f} and {alone.reference_behind_variant_s * 1e6:.1f}."
        ),
    ]


def references_table() -> list[str]:
    """The reference's own device time in each pair that it was measured in: replayed, and queued kernel by kernel."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for name in (*CARDS, *NIGHTS):
        for path in paths(name):
            for case in records(path):
                assert case.queued is not None
                both = median(case.rounds.reference_device_s or [math.nan]), case.queued.reference_s
                found.setdefault(f"{case.model} {case.shape}", {}).setdefault(case.variant, []).append(both)
    variants = list(next(iter(found.values())))
    lines = [f"| eager-fp32, µs, beside | {' | '.join(variants)} |", "|---" * (1 + len(variants)) + "|"]
    apart, rest = [], 0.0
    for label, of_variant in found.items():
        cells = []
        for variant in variants:
            replayed, queued = ([pair[way] for pair in of_variant[variant]] for way in (0, 1))
            spread = max(replayed) / min(replayed) - 1
            cells.append(f"{1e6 * median(replayed):.0f} ({1e6 * median(queued):.0f})")
            if spread > PROCESSES_AGREE:
                ends = f"{1e6 * min(replayed):.0f} to {1e6 * max(replayed):.0f} µs"
                apart.append(f"{label} beside {variant} ({ends})")
            else:
                rest = max(rest, spread)
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return [*lines, "", f"The processes lie {rest:.1%} apart at most, but for {'; '.join(apart)}."]


class Sides(NamedTuple):
    """Medians of device seconds over the rounds of one order, and the median speedup over all rounds.

    A round that the reference begins follows one that ended with it, and one that the variant begins one of its own: so
    in the former both sides come behind the reference's calls, in the latter both behind the variant's.
    """

    own_s: float
    behind_reference_s: float
    reference_s: float
    reference_behind_variant_s: float
    speedup: float

    @property
    def moved(self) -> float:
        """How far the orders lie apart on the side where they do so further."""
        return max(
            abs(math.log(self.behind_reference_s / self.own_s)),
            abs(math.log(self.reference_s / self.reference_behind_variant_s)),
        )


def by_order(case: CaseRecord) -> Sides:
    """One case of one process."""
    of = case.rounds
    assert of.variant_device_s is not None
    assert of.reference_device_s is not None
    rounds = list(zip(of.order, of.variant_device_s, of.reference_device_s, strict=True))
    return Sides(
        own_s=median(own for order, own, _ in rounds if order == "V"),
        behind_reference_s=median(own for order, own, _ in rounds if order == "R"),
        reference_s=median(reference for order, _, reference in rounds if order == "R"),
        reference_behind_variant_s=median(reference for order, _, reference in rounds if order == "V"),
        speedup=median(reference / own for _, own, reference in rounds),
    )


def engines_table() -> list[str]:
    """What was built on this host."""
    lines = ["| model | variant | layers | layer outputs | engine MB | built in s |", "|---" * 6 + "|"]
    shown: set[tuple[str, str]] = set()
    for case in records(paths(CARDS[0])[0]):
        facts = case.facts
        if facts.engines is None or (case.model, case.variant) in shown:
            continue
        shown.add((case.model, case.variant))
        formats = ", ".join(f"{count} {name}" for name, count in (facts.layer_formats or {}).items())
        lines.append(
            f"| {case.model} | {case.variant} | {facts.layers} | {formats} | {(facts.engine_bytes or 0) / 1e6:.1f} "
            f"| {facts.build_s:.0f} |"
        )
    return lines


def spent_table(path: Path) -> list[str]:
    """What a process spent its time on."""
    run, cases = load(path)
    rounds = [len(case.rounds.order) for case in cases]
    told = f"{len(cases)} cases, {min(rounds)} to {max(rounds)} rounds each."
    return [*rows(run.spent_s or {}), "", told]


def main() -> str:
    """The page with its tables made anew."""
    tables = {
        "machine": machine_lines(load(paths(CARDS[0])[0])[0]),
        "nights": nights_table(),
        "latency": latency_table(),
        "spread": spread_table(),
        "cards": apart("the second card beside the first", [runs(name) for name in CARDS]),
        "references": references_table(),
        "orders": orders_table(),
        "engines": engines_table(),
        "spent": spent_table(paths(CARDS[0])[0]),
        "spent-since": spent_table(SINCE),
    }
    return with_blocks(PAGE, tables)


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
