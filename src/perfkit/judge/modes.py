"""Two modes: a case that takes one of two times from process to process, of which chance decides.

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


def _centre_s(scores: Sequence[float]) -> float:
    return math.exp(-sum(scores) / len(scores))
