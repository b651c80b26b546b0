"""What slowdowns a number of replicates can see; a table of docs/judging.md: ``python docs/scripts/detectable.py``.

Simulated nights in which nothing changed, of as many cases as the quick suite has beside its references.
"""

from __future__ import annotations

import math
import random
from pathlib import Path
from statistics import median

from blocks import with_blocks

from perfkit.catalog.case import Platform
from perfkit.judge import rule
from perfkit.judge.estimate import Scores, effects_of
from perfkit.judge.metric import Metric
from perfkit.record.schema import DeviceBy

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "judging.md"
CASES = [(model, variant, shape) for model in range(3) for variant in range(3) for shape in range(3)]
SPLITS = ((1, 1), (3, 1), (3, 3), (5, 1), (5, 3))
NIGHTS = 100
SPREADS = {
    "0.1%": (0.001, Platform.CUDA, DeviceBy.COLD),
    "0.5% (assumed of device times)": (0.005, Platform.CUDA, DeviceBy.COLD),
    "1%": (0.01, Platform.CUDA, DeviceBy.COLD),
    "1.5% (assumed of queued device speedups)": (0.015, Platform.CUDA, DeviceBy.QUEUED),
    "2.8% (assumed on a CPU)": (0.028, Platform.CPU, DeviceBy.QUEUED),
    "5%": (0.05, Platform.CPU, DeviceBy.QUEUED),
}
"""Standard deviations between processes, and whose assumption they are held against."""


def table() -> list[str]:
    """One row a spread."""
    heads = [f"{before} : {after}" for before, after in SPLITS]
    lines = [f"| processes differ by | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name, (spread, platform, way) in SPREADS.items():
        found = [typical(spread, platform, *split, way) for split in SPLITS]
        seen = [f"{100 * math.expm1(detectable):.1f}%" for detectable in found]
        lines.append(f"| {name} | {' | '.join(seen)} |")
    return lines


def typical(spread: float, platform: Platform, before: int, after: int, way: DeviceBy) -> float:
    """The median over nights and cases of the smallest slowdown that would have been seen."""
    rng = random.Random(f"{spread} {before} {after}")  # noqa: S311 - a simulation
    metric = Metric.DEVICE_SPEEDUP if platform is Platform.CUDA else Metric.WALL_SPEEDUP
    assumed = dict.fromkeys(CASES, rule.assumed_spread(metric, platform, paired=True, device_by=way))
    least = dict.fromkeys(CASES, rule.minimum_effect(metric))
    found = []
    for _ in range(NIGHTS):
        family = {
            case: Scores(
                tuple(rng.gauss(0, spread) for _ in range(before)),
                tuple(rng.gauss(0, spread) for _ in range(after)),
                (),
                variant=str(case[1]),
                model=str(case[0]),
            )
            for case in CASES
        }
        level = rule.level(decides=True, leads=True)
        worth = rule.assumed_worth(paired=True)
        effects = effects_of(family, assumed=assumed, worth=worth, minimum=least, level=level)
        found += [effect.detectable for effect in effects.values()]
    return median(found)


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"detectable": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
