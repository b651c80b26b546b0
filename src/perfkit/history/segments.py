"""Where a series changed its level, and where it drifted: numbers in, numbers out.

Levels are found by ruptures (PELT with the squared error: Killick, Fearnhead and Eckley, "Optimal Detection of
Changepoints With a Linear Computational Cost", JASA 107, 2012). The slope of a drift is Theil's and Sen's, and
Kendall's test says whether it is one (Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 63,
1968); scipy has both, and takes longer to import than the rest takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from perfkit.history.levels import level_search

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from numpy.typing import NDArray

    from perfkit.history.levels import Search

    Numbers = NDArray[np.float64]

PENALTY = 6.0
"""Of one more level, times the variance times the log of how many nights: Schwarz's criterion would have 2.

Nights are no independent draws. docs/history.md tells how often it is wrong on series that didn't change.
"""
SHORTEST_NIGHTS = 5
"""A level lasts so long at least: one bad night is no change, and the judge has seen it."""
SMALLEST_STEP = 0.02
"""On the log scale; the judge's smallest effect of a speedup."""
SMALLEST_DRIFT = 0.03
SHORTEST_DRIFT_NIGHTS = 30
_SHARP = 0.6
"""The share of a step that must be seen between the nights right before and right after it; less is a slope."""
_NEAR_NIGHTS = 7
_LEVEL_NIGHTS = 30
"""A step's size is told by so many nights on each side of it: where there is a drift, farther ones know less."""
_COARSE_NIGHTS = 250
"""Longer series are first looked at in blocks of nights, and each change's place is found to the night afterwards."""
_DRIFT_BLOCKS = 40
_SURE = 4.0
"""Standard deviations of Kendall's sum; nights are no independent draws, so more than the usual two."""
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, slots=True)
class Step:
    """A sudden change: `at` is the first night of the new level, `size` its change on the log scale."""

    at: int
    size: float


@dataclass(frozen=True, slots=True)
class Drift:
    """A slope from night `first` to night `last`, which adds up to `size` on the log scale."""

    first: int
    last: int
    size: float


@dataclass(frozen=True, slots=True)
class Change:
    """A step or a drift; `before` and `after` are nights as the caller numbers them.

    `size` is on the log scale where `levels` is None. Else the series has no ratio: `levels` are its values before and
    after, and `size` is their difference.
    """

    kind: Literal["step", "drift"]
    before: int
    after: int
    size: float
    levels: tuple[float, float] | None = None


def changes_in(logs: Numbers, levels: Search | None = None) -> tuple[list[Step], list[Drift]]:
    """The steps and drifts of one series; `logs` has the natural logarithm of its value, a number a night.

    Of a series that has no ratio it has the values, over how large they are on average.
    """
    if len(logs) < 2 * SHORTEST_NIGHTS:
        return [], []
    steps = _steps(logs, levels or level_search())
    edges = [0, *(step.at for step in steps), len(logs)]
    drifts = [_drift(logs, first, last) for first, last in pairwise(edges)]
    return steps, [drift for drift in drifts if drift is not None]


def _steps(logs: Numbers, levels: Search) -> list[Step]:
    """Each change of level that happened from one night to the next and is large enough to count."""
    block = -(-len(logs) // _COARSE_NIGHTS)
    coarse, shortest = _in_blocks(logs, block), max(2, -(-SHORTEST_NIGHTS // block))
    # A fact that hardly ever moves, such as a count of layers, has no spread.
    penalty = PENALTY * max(_spread(coarse), _LEAST_SPREAD) ** 2 * np.log(len(coarse))
    found = levels(coarse, penalty, shortest) if len(coarse) >= 2 * shortest else []
    places = [_refined(logs, place * block, block) for place in found]
    while True:
        edges = [0, *places, len(logs)]
        sizes = [
            _median_step(logs[max(low, at - _LEVEL_NIGHTS) : at], logs[at : min(high, at + _LEVEL_NIGHTS)])
            for low, at, high in zip(edges, places, edges[2:], strict=False)
        ]
        steps = [
            Step(at, size)
            for at, size in zip(places, sizes, strict=True)
            if abs(size) >= SMALLEST_STEP and _is_sharp(logs, at, size)
        ]
        kept = [step.at for step in _without_stairs(logs, steps)]
        if kept == places:
            return steps
        places = kept  # without the others the levels are longer


def _without_stairs(logs: Numbers, steps: list[Step]) -> list[Step]:
    """The steps but for those of a row in one direction that a straight line tells better: such a row is a slope."""
    if not steps:
        return []
    edges = [0, *(step.at for step in steps), len(logs)]
    signs = [step.size > 0 for step in steps]
    starts = [i for i in range(len(steps)) if i == 0 or signs[i] != signs[i - 1]]
    kept: list[Step] = []
    for start, end in zip(starts, [*starts[1:], len(steps)], strict=True):
        row = steps[start:end]
        stretch = logs[edges[start] : edges[end + 1]]
        flat = sum(float(part.var()) * len(part) for part in np.split(stretch, [s.at - edges[start] for s in row]))
        nights = np.arange(len(stretch))
        line = float(np.square(stretch - np.polyval(np.polyfit(nights, stretch, 1), nights)).sum())
        # Schwarz's criterion: a line has two numbers, a row its levels and their places.
        more = 2 * len(row) - 1
        if len(row) == 1 or line > flat * len(stretch) ** (more / len(stretch)):
            kept += row
    return kept


def _in_blocks(logs: Numbers, block: int) -> Numbers:
    starts = np.arange(0, len(logs), block)
    sums = np.add.reduceat(logs, starts)
    return sums / np.diff([*starts, len(logs)])


def _spread(logs: Numbers) -> float:
    """The standard deviation of one night, from differences of neighbours, so that levels don't count."""
    return float(np.median(np.abs(np.diff(logs)))) / (0.6745 * math.sqrt(2))


def _refined(logs: Numbers, place: int, block: int) -> int:
    """The night within a block's reach at which two levels fit best."""
    if block == 1:
        return place
    low, high = max(0, place - 10 * block), min(len(logs), place + 10 * block)
    near = range(max(low + 1, place - block), min(high, place + block + 1))
    return min(near, key=lambda at: logs[low:at].var() * (at - low) + logs[at:high].var() * (high - at))


def _is_sharp(logs: Numbers, at: int, size: float) -> bool:
    near = _median_step(logs[max(0, at - _NEAR_NIGHTS) : at], logs[at : at + _NEAR_NIGHTS])
    return bool(near / size >= _SHARP)


def _median_step(before: Numbers, after: Numbers) -> float:
    return float(np.median(after) - np.median(before))


def _drift(logs: Numbers, first: int, last: int) -> Drift | None:
    """The slope between two steps, if all of it adds up to enough and chance is ruled out."""
    nights = last - first
    if nights < SHORTEST_DRIFT_NIGHTS:
        return None
    third = nights // 3
    ends = _median_step(logs[first : first + third], logs[last - third : last])
    if abs(ends) < SMALLEST_DRIFT / 3:
        return None  # a slope of that size lets the outer thirds lie two thirds of it apart; most series end here
    block = -(-nights // _DRIFT_BLOCKS)
    whole = nights // block * block
    medians = np.median(logs[first : first + whole].reshape(-1, block), axis=1)
    size = slope(medians) * (len(medians) - 1)
    if abs(size) < SMALLEST_DRIFT or abs(kendall_z(medians)) < _SURE:
        return None
    return Drift(first, last - 1, size)


def slope(values: Numbers) -> float:
    """The median of the slopes between all pairs, a step of the index; of two values at least."""
    low, high = np.triu_indices(len(values), 1)
    return float(np.median((values[high] - values[low]) / (high - low)))


def kendall_z(values: Numbers) -> float:
    """Kendall's sum of the signs between all pairs, over its standard deviation where there is no slope."""
    low, high = np.triu_indices(len(values), 1)
    total, n = float(np.sign(values[high] - values[low]).sum()), len(values)
    return total / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)


def nightly_means(
    series: NDArray[np.int64], nights: NDArray[np.int64], values: Numbers
) -> tuple[NDArray[np.int64], NDArray[np.int64], Numbers]:
    """One number a night and series, the mean of its replicates; by series and night, of one number at least."""
    order = np.lexsort((nights, series))
    series, nights, values = series[order], nights[order], values[order]
    firsts = np.flatnonzero(np.r_[True, (np.diff(series) != 0) | (np.diff(nights) != 0)])
    means = np.add.reduceat(values, firsts) / np.diff(np.r_[firsts, len(values)])
    return series[firsts], nights[firsts], means


def changes_by_series(
    series: NDArray[np.int64], nights: NDArray[np.int64], means: Numbers, by_difference: Container[int] = ()
) -> dict[int, list[Change]]:
    """By series id its changes, steps first; the arguments are what ``nightly_means`` gives.

    Those of the ids ``by_difference`` are logarithms by themselves, and a series in which a number isn't positive has
    none: engines and operators may be none. There differences count, beside how large the numbers are on average.
    """
    found, levels = {}, level_search()
    bounds = np.flatnonzero(np.r_[True, np.diff(series) != 0, True])
    for start, end in pairwise(bounds):
        own_means = means[start:end]
        own, identity = nights[start:end].tolist(), int(series[start])
        has_ratio = identity not in by_difference and bool((own_means > 0).all())
        size = 1.0 if has_ratio else float(np.abs(own_means).mean()) or 1.0
        scaled = np.log(own_means) if has_ratio else own_means / size
        steps, drifts = changes_in(scaled, levels)
        if not steps and not drifts:
            continue
        changes = [
            *(Change("step", own[step.at - 1], own[step.at], step.size) for step in steps),
            *(Change("drift", own[drift.first], own[drift.last], drift.size) for drift in drifts),
        ]
        if not has_ratio:
            ends = [*_around(own_means, steps), *(_ends(own_means, drift, size) for drift in drifts)]
            changes = [
                replace(change, size=after - before, levels=(before, after))
                for change, (before, after) in zip(changes, ends, strict=True)
            ]
        found[identity] = changes
    return found


def _around(values: Numbers, steps: Sequence[Step]) -> Iterator[tuple[float, float]]:
    """The levels on both sides of each step, by as many nights as its size is told by."""
    edges = [0, *(step.at for step in steps), len(values)]
    for low, at, high in zip(edges, edges[1:], edges[2:], strict=False):
        near = values[max(low, at - _LEVEL_NIGHTS) : at], values[at : min(high, at + _LEVEL_NIGHTS)]
        yield float(np.median(near[0])), float(np.median(near[1]))


def _ends(values: Numbers, drift: Drift, size: float) -> tuple[float, float]:
    """Where a drift begins and ends, by its slope."""
    middle, half = float(np.median(values[drift.first : drift.last + 1])), drift.size * size / 2
    return middle - half, middle + half
