"""From the scores of all cases of a metric to the change of each, and what it must exceed: the statistics of a verdict.

Numbers in, numbers out; docs/MATH.md derives it. A score is one number per replicate on a natural log scale where more
is better. The change is the difference of the two sides' means; its standard error comes from the moderated variance
between replicates and is widened by what the night shows (:mod:`perfkit.judge.night`); the level that it must exceed is
that of Benjamini and Hochberg over the cases of the run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median
from typing import TYPE_CHECKING, Generic, TypeVar

from perfkit.judge.night import night_factors
from perfkit.judge.student import quantile, upper_tail
from perfkit.judge.variance import Spread, fit_prior, spread_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

POWER = 0.80
"""With which a change of the detectable size would have been seen."""
_OUTSIDE = 0.05
"""Of the interval that is told with a change, for one case by itself."""

Key = TypeVar("Key", bound="Hashable")


@dataclass(frozen=True)
class Scores:
    """One metric of one case on both sides, at least one replicate each."""

    baseline: tuple[float, ...]
    current: tuple[float, ...]
    current_errors: tuple[float, ...]
    """Standard errors within the current replicates, as far as known."""
    variant: str = ""
    model: str = ""
    """Cases of a variant, and of a model, may move together for a reason of their own."""
    same_engine: bool = False
    """Both sides ran one engine, byte for byte."""
    shared: float = 0.0
    """What of the change all cases of the run have in common: not the case's own."""

    @cached_property
    def size(self) -> float:
        """The change, with what is shared."""
        return fmean(self.current) - fmean(self.baseline)


@dataclass(frozen=True, slots=True)
class Effect:
    """A change of a score in log units (more is better), judged among those of its peers, and what would have shown."""

    size: float
    shared: float
    """What of it all cases have in common."""
    threshold: float
    """What a fall of its own must exceed."""
    rise: float
    """What a rise must exceed: how many others rose decides that, as how many fell decides the threshold of a fall."""
    detectable: float
    """The smallest fall that would have been seen with a probability of 80%."""
    margin: float
    """Half the width of the change's 95% interval."""

    @property
    def own(self) -> float:
        """The change without what all cases have in common."""
        return self.size - self.shared

    @property
    def is_worse(self) -> bool:
        """A fall of its own beyond the threshold; what stands still while all others rise has not fallen."""
        return max(self.size, self.own) < -self.threshold

    @property
    def is_better(self) -> bool:
        """A rise of its own beyond the threshold; what stands still while all others fall has not risen."""
        return min(self.size, self.own) > self.rise


@dataclass(frozen=True, slots=True)
class _Estimate(Generic[Key]):
    key: Key
    fall: float
    rise: float
    error: float
    degrees: float

    def tails(self, minimum: float) -> tuple[float, float]:
        """The probability of so low a fall and of so high a rise by chance.

        What moved by less than counts, however surely, is no discovery that could let others' tails be larger.
        """
        return self._tail(-self.fall, minimum), self._tail(self.rise, minimum)

    def _tail(self, size: float, minimum: float) -> float:
        # What didn't move that way has more than a half, which no level reaches: most of the work of a quiet night.
        return upper_tail(size / self.error, self.degrees) if size > minimum else 0.5

    def reach(self, tail: float) -> float:
        """The size that chance exceeds with that probability."""
        return quantile(tail, self.degrees) * self.error


def effects_of(
    family: Mapping[Key, Scores],
    *,
    assumed: Mapping[Key, float],
    worth: float,
    minimum: Mapping[Key, float],
    level: float,
) -> dict[Key, Effect]:
    """The change of every case of a metric.

    ``assumed`` is each case's standard deviation between replicates where there are none to tell, and ``worth`` so many
    degrees of freedom; ``minimum`` is the smallest change of each that counts, ``level`` how often falls of a family in
    which nothing changed may raise any alarm, and rises as well.
    """
    if not family:
        return {}
    estimates = _estimates(family, assumed, worth)
    tails = (estimate.tails(minimum[estimate.key]) for estimate in estimates)
    falls, rises = (_cut(side, level) for side in zip(*tails, strict=True))
    strictest = level / len(estimates)
    effects = {}
    for estimate in estimates:
        fall, rise, least = (max(minimum[estimate.key], estimate.reach(tail)) for tail in (falls, rises, strictest))
        effects[estimate.key] = Effect(
            size=family[estimate.key].size,
            shared=family[estimate.key].shared,
            threshold=fall,
            rise=rise,
            detectable=least + estimate.reach(1 - POWER),
            margin=estimate.reach(_OUTSIDE / 2),
        )
    return effects


def _estimates(family: Mapping[Key, Scores], assumed: Mapping[Key, float], worth: float) -> list[_Estimate[Key]]:
    spreads = {key: spread_of(scores.baseline, scores.current) for key, scores in family.items()}
    # Cases whose assumption differs are made alike first: what is shared is how wrong the assumption is.
    typical = median(assumed[key] for key in family)
    scale = {key: assumed[key] / typical for key in family}
    scaled = {key: Spread(spread.variance / scale[key] ** 2, spread.degrees) for key, spread in spreads.items()}
    prior = fit_prior(list(scaled.values()), typical, worth)
    sizes, errors, degrees = {}, {}, {}
    for key, scores in family.items():
        variance, degrees[key] = prior.moderated(scaled[key])
        within = sum(error**2 for error in scores.current_errors) / len(scores.current) ** 2
        between = variance * scale[key] ** 2 * (1 / len(scores.baseline) + 1 / len(scores.current))
        sizes[key], errors[key] = scores.size - scores.shared, math.sqrt(between + within)
    night = night_factors(
        sizes,
        errors,
        {key: scores.variant for key, scores in family.items()},
        {key: scores.model for key, scores in family.items()},
        worth + sum(spread.degrees for spread in spreads.values()),
    )
    return [
        _Estimate(
            key,
            max(sizes[key], scores.size),
            min(sizes[key], scores.size),
            *night[key].widened(errors[key], degrees[key]),
        )
        for key, scores in family.items()
    ]


def _cut(tails: Sequence[float], level: float) -> float:
    """The largest tail that is an alarm (Benjamini and Hochberg 1995); the smallest step where there is none."""
    count = len(tails)
    steps = [step for step, tail in enumerate(sorted(tails), start=1) if tail <= level * step / count]
    return level * max(steps, default=1) / count
