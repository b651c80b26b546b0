"""What slowdowns a number of replicates can see; a table of docs/judging.md: ``python docs/scripts/detectable.py``.

Simulated nights in which nothing changed, of as many cases as the quick suite has beside its references.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from blocks import with_blocks

from perfkit.catalog.case import Platform
from perfkit.judge import rule
from perfkit.judge.estimate import Effect, Scores, effects_of
from perfkit.judge.metric import Metric
from perfkit.record.schema import DeviceBy

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "judging.md"
Case = tuple[int, int, int]
"""Model, variant and shape."""
CASES: list[Case] = [(model, variant, shape) for model in range(3) for variant in range(3) for shape in range(3)]
SPLITS = ((1, 1), (3, 1), (3, 3), (5, 1), (5, 3))
NIGHTS = 60
SPREADS = {
    "0.1%": (0.001, Platform.CUDA, DeviceBy.COLD),
    "0.5% (assumed of device times)": (0.005, Platform.CUDA, DeviceBy.COLD),
    "1%": (0.01, Platform.CUDA, DeviceBy.COLD),
    "1.5% (assumed of queued device speedups)": (0.015, Platform.CUDA, DeviceBy.QUEUED),
    "2.8% (assumed on a CPU)": (0.028, Platform.CPU, DeviceBy.QUEUED),
    "5%": (0.05, Platform.CPU, DeviceBy.QUEUED),
}
"""Standard deviations between processes, and whose assumption they are held against."""
TRIED = "1%"
"""The spread at which slowdowns are put into nights, to see how many are named."""


def table() -> list[str]:
    """One row a spread."""
    heads = [f"{before} : {after}" for before, after in SPLITS]
    lines = [f"| processes differ by | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name, kind in SPREADS.items():
        found = [typical(Nights(*kind, *split)) for split in SPLITS]
        seen = [f"{100 * math.expm1(detectable):.1f}%" for detectable in found]
        lines.append(f"| {name} | {' | '.join(seen)} |")
    return lines


@dataclass(frozen=True, slots=True)
class Nights:
    """Nights without a change, of processes that differ so, and how they are judged."""

    spread: float
    platform: Platform
    way: DeviceBy
    before: int
    after: int

    def families(self) -> list[dict[Case, Scores]]:
        """Of each night the scores of all cases."""
        rng = random.Random(f"{self.spread} {self.before} {self.after}")  # noqa: S311 - a simulation
        return [{case: self._drawn(case, rng) for case in CASES} for _ in range(NIGHTS)]

    def _drawn(self, case: Case, rng: random.Random) -> Scores:
        before, after = (tuple(rng.gauss(0, self.spread) for _ in range(size)) for size in (self.before, self.after))
        return Scores(before, after, (), variant=str(case[1]), model=str(case[0]))

    def judged(self, family: dict[Case, Scores]) -> dict[Case, Effect]:
        """As a deciding metric that leads is."""
        metric = Metric.DEVICE_SPEEDUP if self.platform is Platform.CUDA else Metric.WALL_SPEEDUP
        assumed = rule.assumed_spread(metric, self.platform, paired=True, device_by=self.way)
        return effects_of(
            family,
            assumed=dict.fromkeys(CASES, assumed),
            worth=rule.assumed_worth(paired=True),
            minimum=dict.fromkeys(CASES, rule.minimum_effect(metric)),
            level=rule.level(decides=True, leads=True),
        )


def typical(nights: Nights) -> float:
    """The median over nights and cases of the smallest slowdown that would have been seen."""
    return median(effect.detectable for family in nights.families() for effect in nights.judged(family).values())


def named(nights: Nights) -> tuple[float, float]:
    """The share of slowdowns that are REGRESSED, each as large as a night said that it could see.

    Put into that night, and put into the one after it. Of each model and variant one case is slowed, by itself.
    """
    families = nights.families()
    could_see = [nights.judged(family) for family in families]
    slowed = [case for case in CASES if case[-1] == 0]
    same = [
        _is_named(nights, family, case, seen[case].detectable)
        for family, seen in zip(families, could_see, strict=True)
        for case in slowed
    ]
    other = [
        _is_named(nights, family, case, seen[case].detectable)
        for (seen, _), (_, family) in pairwise(zip(could_see, families, strict=True))
        for case in slowed
    ]
    return sum(same) / len(same), sum(other) / len(other)


def _is_named(nights: Nights, family: dict[Case, Scores], case: Case, slowdown: float) -> bool:
    slower = replace(family[case], current=tuple(score - slowdown for score in family[case].current))
    return nights.judged({**family, case: slower})[case].is_worse


def caught() -> list[str]:
    """What became of slowdowns as large as a night said that it could see."""
    heads = [f"{before} : {after}" for before, after in SPLITS]
    shares = zip(*(named(Nights(*SPREADS[TRIED], *split)) for split in SPLITS), strict=True)
    rows = [
        f"| put into {night} | {' | '.join(f'{share:.0%}' for share in found)} |"
        for night, found in zip(("that night", "another night"), shares, strict=True)
    ]
    return [f"| processes differ by {TRIED} | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|", *rows]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"detectable": table(), "detectable-caught": caught()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
