"""How much replicates differ by themselves: each case's own spread, drawn towards that of its peers.

Smyth, "Linear Models and Empirical Bayes Methods for Assessing Differential Expression in Microarray Experiments",
Statistical Applications in Genetics and Molecular Biology 3 (2004), sections 4 and 6.2: variances are taken for
draws from one distribution, whose centre and width are estimated from all of them. docs/MATH.md has it in full.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from perfkit.judge.student import digamma, inverse_trigamma, trigamma

if TYPE_CHECKING:
    from collections.abc import Sequence

_LEAST_DIFFERENCE = 0.02
"""Of the variances' logarithms: 100 degrees of freedom, beyond which Student's t hardly differs from the normal."""
_SMALLEST_VARIANCE = 1e-12
"""A spread of a millionth: replicates that agree beyond what a clock can tell."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A case's own variance between replicates of one side, and its degrees of freedom; 0: one replicate a side."""

    variance: float
    degrees: int


@dataclass(frozen=True, slots=True)
class Prior:
    """The distribution that the variances of a family are drawn from."""

    variance: float
    degrees: float

    def moderated(self, own: Spread) -> tuple[float, float]:
        """The case's variance drawn towards the prior's, and the degrees of freedom of both together."""
        degrees = self.degrees + own.degrees
        return (self.degrees * self.variance + own.degrees * own.variance) / degrees, degrees


def spread_of(*sides: Sequence[float]) -> Spread:
    """Pooled over the sides, each around its own mean."""
    degrees = sum(len(side) - 1 for side in sides if side)
    means = [(side, fmean(side)) for side in sides if side]
    squares = sum([(score - mean) ** 2 for side, mean in means for score in side])
    return Spread(squares / degrees if degrees else 0.0, degrees)


def fit_prior(spreads: Sequence[Spread], assumed: float, worth: float) -> Prior:
    """The prior of a family; ``assumed`` is the standard deviation that is taken where there are no replicates.

    It is worth so many degrees of freedom of a case's own, or so many peers, where there are few, so that two
    replicates which agree by luck don't pass for certainty.
    """
    known = [spread for spread in spreads if spread.degrees]
    if not known:
        return Prior(assumed**2, worth)
    total = sum(spread.degrees for spread in known)
    # The logarithm of a variance of d degrees has a known bias, digamma(d/2) - log(d/2), and a known variance.
    logs = [
        math.log(max(spread.variance, _SMALLEST_VARIANCE)) - digamma(spread.degrees / 2) + math.log(spread.degrees / 2)
        for spread in known
    ]
    centre, own = fmean(logs), fmean(trigamma(spread.degrees / 2) for spread in known)
    degrees = 2 * inverse_trigamma(_variance_of_logs(logs, centre, own, worth))
    mean_log = centre + digamma(degrees / 2) - math.log(degrees / 2)
    variance = math.exp((total * mean_log + worth * math.log(assumed**2)) / (total + worth))
    return Prior(variance, degrees)


def _variance_of_logs(logs: Sequence[float], centre: float, own: float, worth: float) -> float:
    """How much the cases' true variances differ, on the log scale: what is left of the scatter without each one's own.

    Of few cases, or of two replicates each, that is hardly known: it is averaged with the assumption by what each is
    worth.
    """
    assumed = trigamma(worth / 2)
    if len(logs) < 2:  # noqa: PLR2004 - one case differs from nothing
        return assumed
    found = sum((log - centre) ** 2 for log in logs) / (len(logs) - 1) - own
    weight, weight_assumed = (len(logs) - 1) / (2 * (own + assumed) ** 2), 1 / assumed**2
    return max(_LEAST_DIFFERENCE, (weight * found + weight_assumed * assumed) / (weight + weight_assumed))
