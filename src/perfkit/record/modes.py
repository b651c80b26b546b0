"""Two modes among the rounds of one process: calls that take one of two times.

A median between two modes falls wherever it pleases. Whether times have one mode is asked by the dip (Hartigan and
Hartigan, "The Dip Test of Unimodality", Annals of Statistics 13, 1985): how far their distribution lies from the
nearest one with a single mode, be that skewed, flat, or full of spikes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from itertools import accumulate
from statistics import median
from typing import TYPE_CHECKING

from perfkit.record.replicate import RoundModes, rounded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_APART = math.log1p(0.02)
"""Modes that lie closer together move no median by anything that anybody cares about."""
_SMALLEST_SHARE = 0.1
"""Of the rounds in either mode: fewer move no median, and are told as the tail."""
FEWEST_ROUNDS = 20
"""Of fewer hardly any two modes would be told."""
_CRITICAL = 0.70
"""Of √n times the dip: of even distributions, which are the nearest to two modes of all that have one, it is larger in
fewer than one of a thousand samples of up to 300 (docs/MATH.md)."""
_BLUR = 0.005
"""Times are blurred by so much, a quarter of what counts: of a clock's few ticks each would be a mode."""
_GOLDEN = (math.sqrt(5) - 1) / 2


def round_modes(times_s: Sequence[float]) -> RoundModes | None:
    """From the rounds' times in seconds: two groups of them, where they have more than one mode.

    Both hold a tenth of the rounds at least, and their medians lie 2% apart or more.
    """
    count = len(times_s)
    if count < FEWEST_ROUNDS:
        return None
    ordered = sorted(map(math.log, times_s))
    slow_from = _split(ordered)
    fast, slow = median(ordered[:slow_from]), median(ordered[slow_from:])
    if slow - fast < _APART:
        return None
    # One after the other by the golden ratio the places are as even as can be, and the same for the same rounds.
    blurred = sorted(log + _BLUR * (index * _GOLDEN % 1 - 0.5) for index, log in enumerate(ordered))
    if math.sqrt(count) * dip(blurred) < _CRITICAL:
        return None
    return RoundModes(
        fast_s=rounded(math.exp(fast)), slow_s=rounded(math.exp(slow)), fast=slow_from, slow=count - slow_from
    )


def dip(ordered: Sequence[float]) -> float:
    """The largest distance between the empirical distribution of at least one number and the nearest unimodal one.

    ``ordered`` rises. The nearest one is convex before its mode and concave behind it; the interval that holds the mode
    is narrowed until the distances outside of it are no smaller than what fits between its hulls. 1/(2n) at the least.
    """
    count = len(ordered)
    low, high, largest = 0, count - 1, 1.0
    while True:
        below = _hull(ordered, low, high, is_convex=True)
        above = _hull(ordered, low, high, is_convex=False)
        convex, concave = _line(ordered, below, 0), _line(ordered, above, 1)
        gaps = [(concave(index) - convex(index), index) for index in sorted({*below, *above})]
        widest, at = max(gaps)
        if widest <= largest:
            return largest / (2 * count)
        # The mode lies between the corners that hold the widest gap.
        left = max((corner for corner in below if corner <= at), default=low)
        right = min((corner for corner in above if corner >= at), default=high)
        outside = [index + 1 - convex(index) for index in range(low, left + 1)]
        outside += [concave(index) - index for index in range(right, high + 1)]
        largest = max(largest, *outside)
        if (left, right) == (low, high):
            return largest / (2 * count)
        low, high = left, right


def _hull(ordered: Sequence[float], low: int, high: int, *, is_convex: bool) -> list[int]:
    """Corners of the greatest convex minorant, or the least concave majorant, of the points (number, rank)."""
    sign = 1 if is_convex else -1
    corners: list[int] = []
    for index in range(low, high + 1):
        while len(corners) > 1:
            first, second = corners[-2:]
            # Slopes are compared crosswise: numbers may be equal.
            rise = (second - first) * (ordered[index] - ordered[second])
            further = (index - second) * (ordered[second] - ordered[first])
            if sign * (further - rise) > 0:
                break
            corners.pop()
        corners.append(index)
    return corners


def _line(ordered: Sequence[float], corners: Sequence[int], step: int) -> Callable[[int], float]:
    """The hull's height at each of the points."""

    def height(index: int) -> float:
        place = bisect_left(corners, index)
        end = corners[place]
        if end == index:
            return index + step
        start = corners[place - 1]
        width = ordered[end] - ordered[start]
        share = (ordered[index] - ordered[start]) / width if width else 1.0
        return start + step + share * (end - start)

    return height


def _split(ordered: Sequence[float]) -> int:
    """Where two groups part whose members lie nearest to their group's median, all distances together."""
    count = len(ordered)
    sums = [0.0, *accumulate(ordered)]

    def spread(start: int, end: int) -> float:
        middle = (start + end) // 2
        above = sums[end] - sums[middle] if (end - start) % 2 == 0 else sums[end] - sums[middle + 1]
        return above - (sums[middle] - sums[start])

    smallest = math.ceil(_SMALLEST_SHARE * count)
    return min(range(smallest, count - smallest + 1), key=lambda part: spread(0, part) + spread(part, count))
