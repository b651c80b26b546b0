"""How far a CPU's speedups move from process to process: the table ``spread`` of docs/measuring.md.

``python docs/scripts/cpu_spread.py`` makes it from results/cpu/2026-11-25-eight-processes.json, a baseline file with
the replicates of eight processes that ran one after another (``perfkit promote``).
"""

from __future__ import annotations

import math
from pathlib import Path
from statistics import median, stdev
from typing import TYPE_CHECKING

from blocks import with_blocks

from perfkit.record.baseline import read_baseline

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "measuring.md"
REPLICATES = ROOT / "results" / "cpu" / "2026-11-25-eight-processes.json"


def root_mean_square(values: Iterable[float]) -> float:
    """Of standard deviations: the pooled one."""
    squares = [value**2 for value in values]
    return math.sqrt(sum(squares) / len(squares))


def table() -> list[str]:
    """One row a case: the median speedup, and standard deviations between and standard errors within processes."""
    baseline = read_baseline(REPLICATES)
    cases: dict[str, list[tuple[float, ...]]] = {}
    for replicate in baseline.replicates:
        for sample in replicate.samples:
            wall = sample.wall
            if wall.log_speedup is None or wall.reference_s is None or wall.log_speedup_se is None:
                raise ValueError(f"{sample.case} has no paired rounds")
            row = (wall.log_speedup, wall.variant_s, wall.reference_s, wall.log_speedup_se)
            cases.setdefault(str(sample.case), []).append(row)
    lines = [
        "| case | speedup | sd of the speedup | of its time | of the reference's time | standard error within |",
        "|---|---|---|---|---|---|",
    ]
    spreads: dict[bool, list[list[float]]] = {True: [], False: []}
    for name, rows in cases.items():
        speedups, times_s, references_s, errors = zip(*rows, strict=True)
        numbers = [
            stdev(speedups),
            stdev(math.log(time_s) for time_s in times_s),
            stdev(math.log(time_s) for time_s in references_s),
            median(errors),
        ]
        spreads["/eager-fp32/" in name].append(numbers)
        lines.append(f"| {name} | {math.exp(median(speedups)):.2f} | {' | '.join(f'{n:.1%}' for n in numbers)} |")
    for is_reference, label in ((True, "eager-fp32 against itself, pooled"), (False, "the others, pooled")):
        columns = zip(*spreads[is_reference], strict=True)
        lines.append(f"| {label} | | {' | '.join(f'{root_mean_square(column):.1%}' for column in columns)} |")
    first = baseline.replicates[0]
    software = ", ".join(f"{name} {first.software[name]}" for name in ("python", "torch", "openvino"))
    machine = f"{baseline.hardware.name} x{baseline.hardware.count}"
    lines += ["", f"{len(baseline.replicates)} processes, {machine}, {software}, {first.datetime[:10]}."]
    return lines


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"spread": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
