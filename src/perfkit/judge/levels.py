"""The level of each case of a baseline, how far it is from its anchor, and from that of another baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.judge.anchors import distance, measured_otherwise
from perfkit.judge.metric import Metric
from perfkit.record.anchor import anchor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.catalog.case import CaseId
    from perfkit.record.anchor import Anchor
    from perfkit.record.baseline import Baseline


@dataclass(frozen=True, slots=True)
class CaseLevel:
    """One case of a baseline: where its replicates are now, and its anchor, if it has one."""

    case: CaseId
    level: Anchor
    anchor: Anchor | None

    @property
    def numbers(self) -> dict[Metric, float]:
        """Every metric that it has, as people read it: speedups as factors, times in seconds."""
        scores = {metric: metric.score(self.level.sample) for metric in Metric}
        return {metric: metric.value_of(score) for metric, score in scores.items() if score is not None}

    @property
    def speedup(self) -> float | None:
        """By the device's clock where it has one; None for a case without a speedup."""
        return self.numbers.get(Metric.DEVICE_SPEEDUP, self.numbers.get(Metric.WALL_SPEEDUP))

    @property
    def since_anchor_pct(self) -> float | None:
        """How much faster than its anchor by the deciding metric, in percent; less than 0 is slower.

        None without an anchor, and where its device times were taken in another way.
        """
        return None if self.anchor is None else _faster_pct(self.anchor, self.level)


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A case that two baselines have differently; None where one hasn't got it."""

    case: CaseId
    before: CaseLevel | None
    after: CaseLevel | None

    @property
    def faster_pct(self) -> float | None:
        """By the deciding metric, in percent; less than 0 is slower. None where they can't be compared."""
        if self.before is None or self.after is None:
            return None
        return _faster_pct(self.before.level, self.after.level)

    @property
    def otherwise(self) -> str:
        """How differently the two levels' device times were taken; empty where they can be compared."""
        if self.before is None or self.after is None:
            return ""
        return measured_otherwise(self.before.level, self.after.level)


def levels_of(baseline: Baseline, is_chosen: Callable[[CaseId], bool] = lambda _: True) -> list[CaseLevel]:
    """The chosen cases of a baseline that have a sound sample, in order."""
    anchors = {anchor.case: anchor for anchor in baseline.anchors}
    cases = {sample.case for replicate in baseline.replicates for sample in replicate.sound}
    found = []
    for case in sorted(filter(is_chosen, cases)):
        level = anchor_of(case, baseline.replicates)
        assert level is not None
        found.append(CaseLevel(case, level, anchors.get(case)))
    return found


def level_changes(before: Baseline, after: Baseline) -> list[LevelChange]:
    """Every case whose level, replicates or anchor two baselines have differently, in order."""
    old = {level.case: level for level in levels_of(before)}
    new = {level.case: level for level in levels_of(after)}
    return [
        LevelChange(case, old.get(case), new.get(case))
        for case in sorted(old.keys() | new.keys())
        if old.get(case) != new.get(case)
    ]


def _faster_pct(old: Anchor, new: Anchor) -> float | None:
    way = distance(old, new)
    return None if way is None else 100 * math.expm1(way)
