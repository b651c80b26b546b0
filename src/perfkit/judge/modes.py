"""Two modes: a case that takes one of two times, of which chance decides, from process to process or within one.

The same engine took 334 µs in half of its processes and 364 µs in the others (docs/study.md). A spread can't tell that
from a wide one, and a night in the slower mode looks like a regression.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.judge.rule import MIN_EFFECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.judge.metric import Clock
    from perfkit.record.replicate import RoundModes, Sample

FEWEST = 6
"""Replicates of both sides together: by chance five would pass for two modes once in 60, six once in 190."""
_SMALLEST_GROUP = 2
_GAP = 4.0
"""How many times as wide as either mode the gap between them must be."""


@dataclass(frozen=True, slots=True)
class Modes:
    """Two groups of replicates, as times in seconds and counts; the faster first."""

    fast_s: float
    slow_s: float
    fast: int
    slow: int

    def __str__(self) -> str:
        fast_ms, slow_ms = self.fast_s * 1e3, self.slow_s * 1e3
        return f"two modes: {fast_ms:.4g} ms in {self.fast} replicates of both sides, {slow_ms:.4g} ms in {self.slow}"


def two_modes(baseline: Sequence[float], current: Sequence[float]) -> Modes | None:
    """From both sides' scores of a time (-log of seconds): the modes, where a side has replicates in both.

    Where one side is all fast and the other all slow, something changed.
    """
    ordered = sorted((*baseline, *current))
    if len(ordered) < FEWEST:
        return None
    parts = range(_SMALLEST_GROUP, len(ordered) - _SMALLEST_GROUP + 1)
    first = max(parts, key=lambda part: ordered[part] - ordered[part - 1])
    slow, fast = ordered[:first], ordered[first:]
    gap, width = fast[0] - slow[-1], max(slow[-1] - slow[0], fast[-1] - fast[0])
    if gap <= max(_GAP * width, MIN_EFFECT):
        return None
    if not any(min(side) < fast[0] <= max(side) for side in (baseline, current)):
        return None
    return Modes(_centre_s(fast), _centre_s(slow), len(fast), len(slow))


@dataclass(frozen=True, slots=True)
class ModesWithin:
    """Replicates whose rounds have two modes, so that their median falls into either or between them."""

    replicates: int
    of: int
    """Of both sides together."""
    widest: RoundModes
    """Those that lie farthest apart, of a side where they are usual if there is one."""
    is_usual: bool
    """Half of one side's replicates have them, or more: their spread doesn't tell of it as it would of a few."""

    @property
    def apart(self) -> float:
        """How far the widest lie apart, on the log scale."""
        return _apart(self.widest)

    def __str__(self) -> str:
        fast_ms, slow_ms = self.widest.fast_s * 1e3, self.widest.slow_s * 1e3
        rounds = f"{fast_ms:.4g} ms in {self.widest.fast} and {slow_ms:.4g} ms in {self.widest.slow} rounds of one"
        return f"two modes within {self.replicates} of {self.of} replicates of both sides: {rounds}"


def modes_within(baseline: Sequence[Sample], current: Sequence[Sample], clock: Clock) -> ModesWithin | None:
    """Of the variant's times by a clock; None where no replicate's rounds have two modes."""
    sides = [[timing.modes for sample in side if (timing := clock.timing(sample))] for side in (baseline, current)]
    found = [[modes for modes in side if modes is not None] for side in sides]
    if not any(found):
        return None
    usual = [having for having, side in zip(found, sides, strict=True) if 2 * len(having) >= len(side) > 0]
    return ModesWithin(
        replicates=sum(map(len, found)),
        of=sum(map(len, sides)),
        widest=max((modes for having in usual or found for modes in having), key=_apart),
        is_usual=bool(usual),
    )


def _apart(modes: RoundModes) -> float:
    return math.log(modes.slow_s / modes.fast_s)


def _centre_s(scores: Sequence[float]) -> float:
    return math.exp(-sum(scores) / len(scores))
