"""What a night adds to the spread between replicates: by how much all cases scatter more tonight than they should.

Replicates of one evening agree better than evenings do, and no baseline of one evening can tell. But most cases of a
run haven't changed, so that how far they lie off tells what chance does tonight (an empirical null: Efron, "Large-Scale
Simultaneous Hypothesis Testing", Journal of the American Statistical Association 99, 2004). Each case is held to the
scatter of the *others*: a slower case can't excuse itself.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

FEWEST_OTHERS = 4
"""Free cases that it takes to tell a night's scatter; with fewer the baseline's own is all there is."""
SHARE = 0.6
"""The quantile of the distances that tells the scatter: of the others two fifths may have changed, each in its way."""
_NORMAL_DISTANCE = 0.8416
"""That quantile of a standard normal variable's distance from 0."""
_EFFICIENCY = 0.46
"""Degrees of freedom a case: such a quantile knows less than all distances do."""
_CHOSEN = 1.3
"""The smallest of three is a little too small: by so much in simulation (tests/judge/test_night.py)."""

Key = TypeVar("Key", bound="Hashable")


@dataclass(frozen=True, slots=True)
class NightFactor:
    """By what the variance of a change is multiplied tonight, and with how many degrees of freedom that is known."""

    variance: float = 1.0
    degrees: float = math.inf

    def widened(self, error: float, degrees: float) -> tuple[float, float]:
        """The standard error with the night's part, and the degrees of freedom of both (Satterthwaite 1946).

        Never more of them than the case's own: a restless night must not lower what a change has to exceed.
        """
        added = max(0.0, self.variance - 1)
        whole = max(1.0, self.variance)
        both = whole**2 / (1 / degrees + added**2 / self.degrees)
        return error * math.sqrt(self.variance), min(degrees, both)


def night_factors(
    sizes: Mapping[Key, float],
    errors: Mapping[Key, float],
    variants: Mapping[Key, str],
    models: Mapping[Key, str],
    known_degrees: float,
) -> dict[Key, NightFactor]:
    """From changes and their standard errors.

    An engine builder that got worse, or one model that did, is no scatter: the scatter is the smallest of three, of the
    changes as they are, without what all cases of a variant share, and without what all of a model share too. A night
    that scatters less than it should corrects an assumption as far as it knows more (``known_degrees`` is what the
    baseline's replicates know); it adds no degrees of freedom, for the calm of most says little of the few that are
    never calm.
    """
    ways = [_distances(sizes, errors, groups) for groups in ((), (variants,), (variants, models))]
    told = [way for way in ways if way.free >= FEWEST_OTHERS]
    if not told:
        return dict.fromkeys(sizes, NightFactor())
    chosen = _CHOSEN if len(told) > 1 else 1.0
    smallest = {key: min((way.scatter(key), way.free) for way in told) for key in sizes}
    return {key: _factor(chosen * variance, free, known_degrees) for key, (variance, free) in smallest.items()}


@dataclass(frozen=True, slots=True)
class _Way(Generic[Key]):
    """How far each case lies off, in its standard errors, once what groups share has been taken out."""

    off: Mapping[Key, float]
    ordered: Sequence[float]
    free: int
    """Cases that are left to tell the scatter: one is held to the others, and each group took one."""

    def scatter(self, key: Key) -> float:
        """The variance of all distances but the case's own."""
        others = len(self.ordered) - 1
        place = math.ceil(SHARE * others) - 1
        distance = self.ordered[place + (place >= bisect_left(self.ordered, self.off[key]))]
        # Medians that were taken out leave their groups less than they scatter.
        return (distance / _NORMAL_DISTANCE) ** 2 * others / self.free


def _distances(
    sizes: Mapping[Key, float], errors: Mapping[Key, float], levels: Sequence[Mapping[Key, str]]
) -> _Way[Key]:
    off, taken = dict(sizes), 0
    for groups in levels:
        medians = _medians(off, groups)
        off = {key: value - medians[groups[key]] for key, value in off.items()}
        taken += len(medians)
    off = {key: abs(value) / errors[key] for key, value in off.items()}
    # Two levels share one, which makes up for the one that is left out.
    return _Way(off, sorted(off.values()), len(sizes) - max(1, taken))


def _medians(values: Mapping[Key, float], groups: Mapping[Key, str]) -> dict[str, float]:
    members: dict[str, list[float]] = defaultdict(list)
    for key, value in values.items():
        members[groups[key]].append(value)
    return {group: median(found) for group, found in members.items()}


def _factor(variance: float, free: int, known_degrees: float) -> NightFactor:
    degrees = _EFFICIENCY * free
    if variance < 1:
        variance = (known_degrees + degrees * variance) / (known_degrees + degrees)
    return NightFactor(variance, degrees)
