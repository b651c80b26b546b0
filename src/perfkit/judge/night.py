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
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

FEWEST_OTHERS = 3
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

    An engine builder that got worse, or one model that did, is no scatter: the scatter is the smallest of those that
    can be told of the changes as they are, without what all cases of a variant share, and without what all of a model
    share. Without any of the latter two there is none: the first alone can't tell a common change from scatter. A night
    that scatters less than it should corrects an assumption as far as it knows more (``known_degrees`` is what the
    baseline's replicates know); it adds no degrees of freedom, for the calm of most says little of the few that are
    never calm.
    """
    distances = {key: abs(value) / errors[key] for key, value in sizes.items()}
    ordered = sorted(distances.values())
    grouped = [(groups, _by_group(sizes, errors, groups)) for groups in (variants, models)]
    factors = {}
    for key in sizes:
        told = [scatter for groups, found in grouped if (scatter := found[groups[key]]) is not None]
        if told:
            told.append(_Scatter.of(ordered, taken=0, without=distances[key]))
        chosen = _CHOSEN if len(told) > 1 else 1.0
        smallest = min(told, key=lambda found: found.variance, default=None)
        factors[key] = NightFactor() if smallest is None else _factor(smallest, chosen, known_degrees)
    return factors


@dataclass(frozen=True, slots=True)
class _Scatter:
    """The variance of distances in their standard errors, and of how many free cases."""

    variance: float
    free: int

    @classmethod
    def of(cls, ordered: Sequence[float], taken: int, without: float | None = None) -> _Scatter:
        """By the quantile of distances in order; ``taken`` medians leave their groups less than they scatter.

        ``without`` is one of the distances that doesn't count.
        """
        count = len(ordered) - (without is not None)
        place = math.ceil(SHARE * count) - 1
        if without is not None and place >= bisect_left(ordered, without):
            place += 1
        return cls((ordered[place] / _NORMAL_DISTANCE) ** 2 * count / (count - taken), count - taken)


def _by_group(
    sizes: Mapping[Key, float], errors: Mapping[Key, float], groups: Mapping[Key, str]
) -> dict[str, _Scatter | None]:
    """For each group the scatter of all others around their own medians; None where too few are free.

    A case weighs in the median of its group, so that none of its group may tell what it is held to.
    """
    members: dict[str, list[Key]] = defaultdict(list)
    for key in sizes:
        members[groups[key]].append(key)
    centres = {group: median(sizes[key] for key in found) for group, found in members.items()}
    distances = {
        group: [abs(sizes[key] - centres[group]) / errors[key] for key in found] for group, found in members.items()
    }
    scatters: dict[str, _Scatter | None] = {}
    for group in members:
        others = sorted(distance for other, found in distances.items() if other != group for distance in found)
        taken = len(members) - 1
        scatters[group] = _Scatter.of(others, taken) if len(others) - taken >= FEWEST_OTHERS else None
    return scatters


def _factor(scatter: _Scatter, chosen: float, known_degrees: float) -> NightFactor:
    variance, degrees = chosen * scatter.variance, _EFFICIENCY * scatter.free
    if variance < 1:
        variance = (known_degrees + degrees * variance) / (known_degrees + degrees)
    return NightFactor(variance, degrees)
