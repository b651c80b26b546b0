"""How far a CPU's speedups move from process to process: two tables of docs/cpu-noise.md.

``python docs/scripts/cpu_spread.py`` makes it from results/cpu/2026-11-25-eight-processes.json, a baseline file with
the replicates of eight processes that ran one after another (``perfkit promote``), and from three files of five.
"""

from __future__ import annotations

import math
from pathlib import Path
from statistics import mean, median, stdev
from typing import TYPE_CHECKING

from blocks import with_blocks

from perfkit.record.baseline import read_baseline
from perfkit.record.read import read_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.record.baseline import Baseline

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cpu-noise.md"
REPLICATES = ROOT / "results" / "cpu" / "2026-11-25-eight-processes.json"

THIRD = ROOT / "results" / "cpu" / "2026-11-25-demo-third"
SLOWED = "resnet18/openvino-fp32/1x3x224x224"
TRIED = {
    name: ROOT / "results" / "cpu" / f"2026-11-25-five-processes-{file}.json"
    for name, file in (
        ("as it is", "as-it-is"),
        ("one thread, pinned to one processor", "one-pinned-thread"),
        ("an allocator that keeps its memory", "keeping-allocator"),
    )
}
"""The processes ran in turn, so that a drift of the machine met all three alike."""


def root_mean_square(values: Iterable[float]) -> float:
    """Of standard deviations: the pooled one."""
    squares = [value**2 for value in values]
    return math.sqrt(sum(squares) / len(squares))


def spreads_of(baseline: Baseline) -> dict[str, tuple[float, list[float]]]:
    """By case: the median speedup, and how far its logarithms move.

    That is the standard deviations between processes of the speedup, its time and the reference's time, and the
    median standard error within.
    """
    cases: dict[str, list[tuple[float, ...]]] = {}
    for replicate in baseline.replicates:
        for sample in replicate.samples:
            wall = sample.wall
            if wall.log_speedup is None or wall.reference_s is None or wall.log_speedup_se is None:
                raise ValueError(f"{sample.case} has no paired rounds")
            row = (wall.log_speedup, math.log(wall.variant_s), math.log(wall.reference_s), wall.log_speedup_se)
            cases.setdefault(str(sample.case), []).append(row)
    found = {}
    for name, rows in cases.items():
        speedups, times, references, errors = zip(*rows, strict=True)
        spreads = [stdev(speedups), stdev(times), stdev(references), median(errors)]
        found[name] = (math.exp(median(speedups)), spreads)
    return found


def pooled(spreads: dict[str, tuple[float, list[float]]], *, reference: bool) -> list[float]:
    """Over the cases of the reference against itself, or over the others."""
    chosen = [numbers for name, (_, numbers) in spreads.items() if ("/eager-fp32/" in name) is reference]
    return [root_mean_square(column) for column in zip(*chosen, strict=True)]


def spread_table() -> list[str]:
    """One row a case."""
    baseline = read_baseline(REPLICATES)
    spreads = spreads_of(baseline)
    lines = [
        "| case | speedup | sd of the speedup | of its time | of the reference's time | standard error within |",
        "|---|---|---|---|---|---|",
    ]
    for name, (speedup, numbers) in spreads.items():
        lines.append(f"| {name} | {speedup:.2f} | {' | '.join(f'{n:.1%}' for n in numbers)} |")
    for is_reference, label in ((True, "eager-fp32 against itself, pooled"), (False, "the others, pooled")):
        cells = " | ".join(f"{number:.1%}" for number in pooled(spreads, reference=is_reference))
        lines.append(f"| {label} | | {cells} |")
    first = baseline.replicates[0]
    software = ", ".join(f"{name} {first.software[name]}" for name in ("python", "torch", "openvino"))
    machine = f"{baseline.hardware.name} x{baseline.hardware.count}"
    lines += ["", f"{len(baseline.replicates)} processes, {machine}, {software}, {first.datetime[:10]}."]
    return lines


def tried_table() -> list[str]:
    """What was tried against the spread: one row a way of running, pooled over the variants' cases."""
    lines = ["| five processes each | sd of the speedup | of its time | of the reference's time |", "|---|---|---|---|"]
    for name, path in TRIED.items():
        numbers = pooled(spreads_of(read_baseline(path)), reference=False)[:3]
        lines.append(f"| {name} | {' | '.join(f'{number:.1%}' for number in numbers)} |")
    return lines


def third_lines() -> list[str]:
    """The third demonstration: how far the baseline's processes scatter, and how far the later ones lie from them."""
    baseline = read_baseline(THIRD / "baseline.json")
    within = pooled(spreads_of(baseline), reference=False)[0]
    before: dict[str, list[float]] = {}
    for replicate in baseline.replicates:
        for sample in replicate.samples:
            before.setdefault(str(sample.case), []).append(sample.wall.log_speedup or 0.0)
    moved = [
        (sample.wall.log_speedup or 0.0) - mean(before[str(sample.case)])
        for folder in ("unchanged", "slowed-10pct")
        for sample in read_runs(THIRD / folder / "replicate-1.json")[0].replicate.samples
        if sample.variant != "eager-fp32" and (folder, str(sample.case)) != ("slowed-10pct", SLOWED)
    ]
    off = root_mean_square(moved)
    text = (
        f"Within the baseline's processes speedups scatter by {within:.1%}; the two processes measured minutes later "
        f"lie {off:.1%} off in the root mean square, {min(moved):+.1%} to {max(moved):+.1%} (logarithms)."
    )
    return [text]


def main() -> str:
    """The page with its tables made anew."""
    return with_blocks(PAGE, {"spread": spread_table(), "tried": tried_table(), "third": third_lines()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
