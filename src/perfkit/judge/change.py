"""How every case changed between baseline and run, metric by metric, before anything is decided."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean, median
from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT, Platform
from perfkit.judge import rule
from perfkit.judge.estimate import Scores, effects_of
from perfkit.judge.limits import Limits
from perfkit.judge.metric import Clock, Metric, speedup_of, time_of
from perfkit.judge.modes import modes_within, two_modes
from perfkit.judge.scores import OwnScores, ReferenceScores
from perfkit.judge.shift import common_size, shared_by_reference, shared_by_variant, shift_of
from perfkit.judge.variance import spread_of
from perfkit.record.schema import DeviceBy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from perfkit.catalog.case import CaseId
    from perfkit.judge.estimate import Effect
    from perfkit.judge.modes import Modes, ModesWithin
    from perfkit.judge.shift import Shift
    from perfkit.record.replicate import Sample


_FEW = 3
"""With fewer variants the middle of them is any single one's doing."""


@dataclass(frozen=True)
class Pair:
    """A case's samples of baseline and run, at least one of each."""

    baseline: tuple[Sample, ...]
    current: tuple[Sample, ...]

    @cached_property
    def clock(self) -> Clock:
        """The clock that decides: the device's where both sides have it."""
        device = all(any(sample.device for sample in side) for side in (self.baseline, self.current))
        return Clock.DEVICE if device else Clock.WALL

    @cached_property
    def device_by(self) -> str:
        """How device times were taken: all samples are comparable, so that any that has some tells it."""
        return next((sample.device_by for sample in self.samples if sample.device is not None), DeviceBy.QUEUED)

    @cached_property
    def same_engine(self) -> bool:
        """Whether both sides ran one engine, byte for byte."""
        engines = {sample.facts.get("engine_sha256") for sample in self.samples}
        return len(engines) == 1 and None not in engines

    @property
    def samples(self) -> tuple[Sample, ...]:
        """Of both sides."""
        return (*self.baseline, *self.current)


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One comparable case: its samples, and the change of every metric that both sides have.

    `reference` is the change of the reference's own time by clock, with the same orientation as
    the other effects: positive is faster. `siblings` is the median change of the speedups that the same reference has
    with other variants, by clock; `kind` that of the times of the same variant's other cases.
    """

    case: CaseId
    pair: Pair
    metrics: Mapping[Metric, Effect]
    reference: Mapping[Clock, Effect]
    siblings: Mapping[Clock, float]
    kind: Mapping[Clock, float]
    modes: Modes | None
    """Of the variant's own time by the deciding clock."""
    within: ModesWithin | None
    """The same among the rounds of single replicates."""
    tolerance: float
    """The slowdown, in log units, that must have been visible for a PASS."""
    is_among_few: bool
    """Fewer than three variants were compared: what they share is as much this one's own doing."""

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
    def worst(self) -> float:
        """The largest slowdown that neither the speedup nor the time itself rules out, by their 95% intervals."""
        effects = [self.metrics[metric] for metric in (self.deciding, time_of(self.clock))]
        return min(effect.margin - max(effect.size, effect.own) for effect in effects)

    def rise_s(self, clock: Clock) -> float:
        """By how many seconds the variant's own time rose, between the sides' means on the log scale."""
        metric = time_of(clock)
        before, after = (fmean(metric.scores(side)) for side in (self.pair.baseline, self.pair.current))
        return math.exp(-after) - math.exp(-before)

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
    usual = Limits()  # what the project wants to know of its cases is no limit of their references
    own = {metric: _family(pairs, OwnScores(metric)) for metric in Metric}
    beside = {clock: _family(pairs, ReferenceScores(clock)) for clock in Clock}
    sizes = {clock: common_size(_sizes(beside[clock]), _sizes(own[time_of(clock)])) for clock in Clock}
    variants = sum(case.variant != REFERENCE_VARIANT for case in pairs)
    leading = {clock: _leading(own[speedup_of(clock)], own[time_of(clock)], clock) for clock in Clock}
    references, effects = {}, {}
    for clock, family in beside.items():
        shared = {case: shared_by_reference(_split(pairs[case]), clock, sizes) for case in family}
        held = _sharing(family, shared)
        references[clock] = _effects(
            pairs, time_of(clock), held, platform, usual, leads=leading[clock] is time_of(clock)
        )
    for metric, family in own.items():
        held = family
        if not metric.is_speedup:
            shared = {case: shared_by_variant(_split(pairs[case]), metric.clock, sizes) for case in family}
            held = _sharing(family, shared)
        effects[metric] = _effects(pairs, metric, held, platform, limits, leads=leading[metric.clock] is metric)
    siblings = {clock: _siblings(effects[speedup_of(clock)]) for clock in Clock}
    kinds = {clock: _kinds(effects[time_of(clock)]) for clock in Clock}
    changes = {
        case: CaseChange(
            case,
            pair,
            metrics={metric: found[case] for metric, found in effects.items() if case in found},
            reference={clock: found[case] for clock, found in references.items() if case in found},
            siblings={clock: found[case] for clock, found in siblings.items() if case in found},
            kind={clock: found[case] for clock, found in kinds.items() if case in found},
            modes=_modes(pair),
            within=modes_within(pair.baseline, pair.current, pair.clock),
            # A time alone has the whole machine in it, as everything has on a CPU.
            tolerance=limits.tolerance(
                case, speedup_of(pair.clock), platform if case in own[speedup_of(pair.clock)] else Platform.CPU
            ),
            is_among_few=variants < _FEW,
        )
        for case, pair in pairs.items()
    }
    return changes, {clock: shift_of(sizes[clock], references[clock].values()) for clock in Clock}


def _split(pair: Pair) -> tuple[Sample, ...]:
    """Samples that tell device and host apart, where both sides do."""
    return pair.baseline if pair.clock is Clock.DEVICE else ()


def _sharing(family: Mapping[CaseId, Scores], shared: Mapping[CaseId, float]) -> dict[CaseId, Scores]:
    return {case: replace(scores, shared=shared[case]) for case, scores in family.items()}


def _modes(pair: Pair) -> Modes | None:
    metric = time_of(pair.clock)
    before, after = (metric.scores(side) for side in (pair.baseline, pair.current))
    return two_modes(before, after) if before and after else None


def _siblings(speedups: Mapping[CaseId, Effect]) -> dict[CaseId, float]:
    sizes: dict[tuple[str, str], dict[CaseId, float]] = defaultdict(dict)
    for case, effect in speedups.items():
        if case.variant != REFERENCE_VARIANT:
            sizes[case.model, case.shape][case] = effect.size
    return _median_of_others(sizes.values())


def _kinds(times: Mapping[CaseId, Effect]) -> dict[CaseId, float]:
    sizes: dict[str, dict[CaseId, float]] = defaultdict(dict)
    for case, effect in times.items():
        sizes[case.variant][case] = effect.size
    return _median_of_others(sizes.values())


def _median_of_others(groups: Iterable[Mapping[CaseId, float]]) -> dict[CaseId, float]:
    """Of each case that isn't alone in its group."""
    found = {}
    for group in groups:
        ordered, left = sorted(group.values()), len(group) - 1
        for case, size in group.items() if left else ():
            own = bisect_left(ordered, size)
            low, high = (ordered[at + (at >= own)] for at in ((left - 1) // 2, left // 2))
            found[case] = (low + high) / 2
    return found


def _leading(speedups: Mapping[CaseId, Scores], times: Mapping[CaseId, Scores], clock: Clock) -> Metric:
    """Speedups, unless times repeat twice as well between the baseline's replicates, in the middle of the cases.

    The baseline alone says so: tonight's numbers must not choose what they are held to.
    """
    both = [case for case in speedups.keys() & times.keys() if case.variant != REFERENCE_VARIANT]
    spreads = [
        [spread.variance for case in both if (spread := spread_of(family[case].baseline)).degrees]
        for family in (speedups, times)
    ]
    times_lead = spreads[0] and median(spreads[0]) > rule.LEADING_VARIANCE * median(spreads[1])
    return time_of(clock) if times_lead else speedup_of(clock)


def _effects(
    pairs: Mapping[CaseId, Pair],
    metric: Metric,
    family: Mapping[CaseId, Scores],
    platform: Platform,
    limits: Limits,
    *,
    leads: bool,
) -> dict[CaseId, Effect]:
    """Of all cases that have the metric, or their references its time, on both sides."""
    paired = {case: any(sample.paired for sample in pairs[case].samples) for case in family}
    assumed = {
        case: rule.assumed_spread(
            metric,
            platform,
            paired=paired[case],
            same_engine=scores.same_engine,
            device_by=pairs[case].device_by,
        )
        for case, scores in family.items()
    }
    groups: dict[tuple[bool, bool], dict[CaseId, Scores]] = defaultdict(dict)
    for case, scores in family.items():
        # The reference against itself scatters far less than a variant against it: no peer of the others.
        groups[pairs[case].clock is metric.clock, case.variant == REFERENCE_VARIANT][case] = scores
    counts = Counter(pairs[case].clock is metric.clock for case in family)
    effects: dict[CaseId, Effect] = {}
    for (decides, _), peers in groups.items():
        effects |= effects_of(
            peers,
            assumed=assumed,
            worth=rule.assumed_worth(paired=any(paired.values())),
            minimum={case: limits.minimum_effect(case, metric) for case in peers},
            level=rule.level(decides=decides, leads=leads) * len(peers) / counts[decides],
        )
    return effects


def _family(pairs: Mapping[CaseId, Pair], side: OwnScores | ReferenceScores) -> dict[CaseId, Scores]:
    family = {}
    for case, pair in pairs.items():
        before, after = side.scores(case, pair.baseline), side.scores(case, pair.current)
        if before and after:
            family[case] = Scores(
                baseline=before,
                current=after,
                current_errors=side.errors(case, pair.current),
                variant=case.variant,
                model=case.model,
                same_engine=isinstance(side, OwnScores) and pair.same_engine,
            )
    return family


def _sizes(family: Mapping[CaseId, Scores]) -> dict[CaseId, float]:
    return {case: scores.size for case, scores in family.items()}
