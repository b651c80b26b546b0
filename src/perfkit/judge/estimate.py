"""From the scores of all cases of a metric to the change of each, and what it must exceed: the statistics of a verdict.

Numbers in, numbers out; docs/MATH.md derives it. A score is one number per replicate on a natural log scale where more
is better. The change is the difference of the two sides' means; its standard error comes from the moderated variance
between replicates and is widened by what the night shows (:mod:`perfkit.judge.night`); the level that it must exceed is
that of Benjamini and Hochberg over the cases of the run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Generic, TypeVar

from perfkit.judge.night import night_factors
from perfkit.judge.rule import Effect
from perfkit.judge.student import quantile, upper_tail
from perfkit.judge.variance import ASSUMED_DEGREES, Spread, fit_prior, spread_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

POWER = 0.80
"""With which a change of the detectable size would have been seen."""

Key = TypeVar("Key", bound="Hashable")


@dataclass(frozen=True, slots=True)
class Scores:
    """One metric of one case on both sides, at least one replicate each."""

    baseline: tuple[float, ...]
    current: tuple[float, ...]
    current_errors: tuple[float, ...]
    """Standard errors within the current replicates, as far as known."""
    variant: str = ""
    model: str = ""
    """Cases of a variant, and of a model, may move together for a reason of their own."""


@dataclass(frozen=True, slots=True)
class FamilyEffect(Effect):
    """A change that was judged among those of its peers; the threshold is that of a fall."""

    rise: float
    """What a rise must exceed: how many others rose decides that, as how many fell decides the threshold of a fall."""
    detectable: float
    """The smallest fall that would have been seen with a probability of 80%."""

    @property
    def is_better(self) -> bool:
        return self.size > self.rise


@dataclass(frozen=True, slots=True)
class _Estimate(Generic[Key]):
    key: Key
    size: float
    error: float
    degrees: float

    @property
    def tails(self) -> tuple[float, float]:
        """The probability of so low and of so high a size by chance."""
        ratio = self.size / self.error
        return upper_tail(-ratio, self.degrees), upper_tail(ratio, self.degrees)

    def reach(self, tail: float) -> float:
        """The size that chance exceeds with that probability."""
        return quantile(tail, self.degrees) * self.error


def effects_of(
    family: Mapping[Key, Scores], *, assumed: Mapping[Key, float], minimum: float, level: float
) -> dict[Key, FamilyEffect]:
    """The change of every case of a metric.

    ``assumed`` is each case's standard deviation between replicates where there are none to tell, ``minimum`` the
    smallest change that counts, ``level`` how often falls of a family in which nothing changed may raise any alarm, and
    rises as well.
    """
    if not family:
        return {}
    estimates = _estimates(family, assumed)
    falls, rises = (_cut([estimate.tails[side] for estimate in estimates], level) for side in (0, 1))
    strictest = level / len(estimates)
    effects = {}
    for estimate in estimates:
        fall, rise, least = (max(minimum, estimate.reach(tail)) for tail in (falls, rises, strictest))
        effects[estimate.key] = FamilyEffect(
            size=estimate.size, threshold=fall, rise=rise, detectable=least + estimate.reach(1 - POWER)
        )
    return effects


def _estimates(family: Mapping[Key, Scores], assumed: Mapping[Key, float]) -> list[_Estimate[Key]]:
    spreads = {key: spread_of(scores.baseline, scores.current) for key, scores in family.items()}
    # Cases whose assumption differs are made alike first: what is shared is how wrong the assumption is.
    typical = median(assumed[key] for key in family)
    scale = {key: assumed[key] / typical for key in family}
    scaled = {key: Spread(spread.variance / scale[key] ** 2, spread.degrees) for key, spread in spreads.items()}
    prior = fit_prior(list(scaled.values()), typical)
    sizes, errors, degrees = {}, {}, {}
    for key, scores in family.items():
        variance, degrees[key] = prior.moderated(scaled[key])
        within = sum(error**2 for error in scores.current_errors) / len(scores.current) ** 2
        between = variance * scale[key] ** 2 * (1 / len(scores.baseline) + 1 / len(scores.current))
        sizes[key], errors[key] = fmean(scores.current) - fmean(scores.baseline), math.sqrt(between + within)
    night = night_factors(
        sizes,
        errors,
        {key: scores.variant for key, scores in family.items()},
        {key: scores.model for key, scores in family.items()},
        ASSUMED_DEGREES + sum(spread.degrees for spread in spreads.values()),
    )
    return [_Estimate(key, sizes[key], *night[key].widened(errors[key], degrees[key])) for key in family]


def _cut(tails: Sequence[float], level: float) -> float:
    """The largest tail that is an alarm (Benjamini and Hochberg 1995); the smallest step where there is none."""
    count = len(tails)
    steps = [step for step, tail in enumerate(sorted(tails), start=1) if tail <= level * step / count]
    return level * max(steps, default=1) / count
