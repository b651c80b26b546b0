"""How every case changed between baseline and run, metric by metric, before anything is decided."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.judge import rule
from perfkit.judge.estimate import Scores, effects_of
from perfkit.judge.metric import Clock, Metric, speedup_of, time_of
from perfkit.judge.modes import two_modes
from perfkit.judge.scores import OwnScores, ReferenceScores
from perfkit.judge.shift import common_shift, shared_by_reference, shared_by_variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from perfkit.catalog.case import CaseId, Platform
    from perfkit.judge.estimate import Effect
    from perfkit.judge.limits import Limits
    from perfkit.judge.modes import Modes
    from perfkit.judge.shift import Shift
    from perfkit.record.replicate import Sample


@dataclass(frozen=True, slots=True)
class Pair:
    """A case's samples of baseline and run, at least one of each."""

    baseline: tuple[Sample, ...]
    current: tuple[Sample, ...]

    @property
    def clock(self) -> Clock:
        """The clock that decides: the device's where both sides have it."""
        device = all(any(sample.device for sample in side) for side in (self.baseline, self.current))
        return Clock.DEVICE if device else Clock.WALL

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Of both sides."""
        return (*self.baseline, *self.current)


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One comparable case: its samples, and the change of every metric that both sides have.

    `reference` is the change of the reference's own time by clock, with the same orientation as
    the other effects: positive is faster. `siblings` is the median change of the speedups that the same reference has
    with other variants, by clock.
    """

    case: CaseId
    pair: Pair
    metrics: Mapping[Metric, Effect]
    reference: Mapping[Clock, Effect]
    siblings: Mapping[Clock, float]
    modes: Modes | None
    """Of the variant's own time by the deciding clock."""
    tolerance: float
    """The slowdown, in log units, that must have been visible for a PASS."""

    @property
    def clock(self) -> Clock:
        """The clock that decides."""
        return self.pair.clock

    @property
    def deciding(self) -> Metric:
        """The speedup of the deciding clock; its time for a case that has no speedup."""
        speedup = speedup_of(self.clock)
        return speedup if speedup in self.metrics else time_of(self.clock)

    def time(self, clock: Clock) -> Effect:
        """The change of the variant's own time by a clock that both sides have."""
        return self.metrics[time_of(clock)]

    @property
    def detectable(self) -> float:
        """The smallest slowdown that the deciding clock would have shown, in the speedup or in the time itself."""
        return min(self.metrics[metric].detectable for metric in (self.deciding, time_of(self.clock)))

    @property
    def is_reference(self) -> bool:
        """Whether the case is the reference itself."""
        return self.case.variant == REFERENCE_VARIANT

    @property
    def rounds(self) -> int:
        """The smallest number of rounds in any replicate of either side."""
        return min(sample.rounds for sample in self.pair.samples)


def changes_of(
    pairs: Mapping[CaseId, Pair], platform: Platform, limits: Limits
) -> tuple[dict[CaseId, CaseChange], dict[Clock, Shift]]:
    """Estimate every metric's change of every case, and by clock what all cases share."""
    references = {clock: _effects(pairs, time_of(clock), ReferenceScores(clock), platform, limits) for clock in Clock}
    shifts = {clock: common_shift(references[clock], _sizes(pairs, OwnScores(time_of(clock)))) for clock in Clock}
    effects = {}
    for metric in Metric:
        shared = {} if metric.is_speedup else _shared(pairs, metric.clock, shifts)
        effects[metric] = _effects(pairs, metric, OwnScores(metric), platform, limits, shared)
    siblings = {clock: _siblings(effects[speedup_of(clock)]) for clock in Clock}
    changes = {
        case: CaseChange(
            case,
            pair,
            metrics={metric: found[case] for metric, found in effects.items() if case in found},
            reference={
                clock: replace(found[case], shared=shared_by_reference(_split(pair), clock, shifts))
                for clock, found in references.items()
                if case in found
            },
            siblings={clock: found[case] for clock, found in siblings.items() if case in found},
            modes=_modes(pair),
            tolerance=limits.tolerance(case),
        )
        for case, pair in pairs.items()
    }
    return changes, shifts


def _split(pair: Pair) -> tuple[Sample, ...]:
    """Samples that tell device and host apart, where both sides do."""
    return pair.baseline if pair.clock is Clock.DEVICE else ()


def _shared(pairs: Mapping[CaseId, Pair], clock: Clock, shifts: Mapping[Clock, Shift]) -> dict[CaseId, float]:
    return {case: shared_by_variant(_split(pair), clock, shifts) for case, pair in pairs.items()}


def _modes(pair: Pair) -> Modes | None:
    metric = time_of(pair.clock)
    before, after = (_present(map(metric.score, side)) for side in (pair.baseline, pair.current))
    return two_modes(before, after) if before and after else None


def _siblings(speedups: Mapping[CaseId, Effect]) -> dict[CaseId, float]:
    sizes: dict[tuple[str, str], dict[CaseId, float]] = defaultdict(dict)
    for case, effect in speedups.items():
        if case.variant != REFERENCE_VARIANT:
            sizes[case.model, case.shape][case] = effect.size
    return {
        case: median(size for other, size in found.items() if other != case)
        for found in sizes.values()
        if len(found) > 1
        for case in found
    }


def _effects(
    pairs: Mapping[CaseId, Pair],
    metric: Metric,
    side: OwnScores | ReferenceScores,
    platform: Platform,
    limits: Limits,
    shared: Mapping[CaseId, float] | None = None,
) -> dict[CaseId, Effect]:
    """Of all cases that have the metric on both sides."""
    family = _family(pairs, side, shared or {})
    paired = {case: any(sample.paired for sample in pairs[case].samples) for case in family}
    assumed = {
        case: rule.assumed_spread(
            metric,
            platform,
            paired=paired[case],
            same_engine=side.is_own and _is_same_engine(pairs[case].samples),
        )
        for case in family
    }
    decides = any(metric.clock is pair.clock for pair in pairs.values())
    effects: dict[CaseId, Effect] = {}
    # The reference against itself scatters far less than a variant against it: no peer of the others.
    for is_reference in (True, False):
        peers = {case: scores for case, scores in family.items() if (case.variant == REFERENCE_VARIANT) is is_reference}
        level = rule.level(metric, decides=decides) * len(peers) / max(1, len(family))
        effects |= effects_of(
            peers,
            assumed=assumed,
            worth=rule.assumed_worth(paired=any(paired.values())),
            minimum={case: limits.minimum_effect(case, metric) for case in peers},
            level=level,
        )
    return effects


def _family(
    pairs: Mapping[CaseId, Pair], side: OwnScores | ReferenceScores, shared: Mapping[CaseId, float]
) -> dict[CaseId, Scores]:
    family = {}
    for case, pair in pairs.items():
        before = _present(side.score(case, sample) for sample in pair.baseline)
        after = _present(side.score(case, sample) for sample in pair.current)
        if before and after:
            family[case] = Scores(
                baseline=before,
                current=after,
                current_errors=_present(side.error(case, sample) for sample in pair.current),
                variant=case.variant,
                model=case.model,
                shared=shared.get(case, 0.0),
            )
    return family


def _sizes(pairs: Mapping[CaseId, Pair], side: OwnScores) -> dict[CaseId, float]:
    return {case: scores.size for case, scores in _family(pairs, side, {}).items()}


def _is_same_engine(samples: Iterable[Sample]) -> bool:
    engines = {sample.facts.get("engine_sha256") for sample in samples}
    return len(engines) == 1 and None not in engines


def _present(numbers: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(number for number in numbers if number is not None)
