"""How a case changed between baseline and run, metric by metric, before anything is decided."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.judge import rule
from perfkit.judge.metric import Clock, Metric, speedup_of, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from perfkit.catalog.case import CaseId, Platform
    from perfkit.judge.shift import Shift
    from perfkit.record.replicate import Sample


@dataclass(frozen=True, slots=True)
class Change:
    """A metric on both sides: scores of every replicate that has it, and the effect."""

    metric: Metric
    baseline: tuple[float, ...]
    current: tuple[float, ...]
    effect: rule.Effect


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One comparable case: its samples, and the change of every metric that both sides have.

    `reference` is the change of the reference's own time by clock, with the same orientation as
    the other effects: positive is faster.
    """

    case: CaseId
    baseline: tuple[Sample, ...]
    current: tuple[Sample, ...]
    metrics: Mapping[Metric, Change]
    reference: Mapping[Clock, rule.Effect]

    @property
    def clock(self) -> Clock:
        """The clock that decides: the device's where both sides have it."""
        return Clock.DEVICE if Metric.DEVICE_TIME in self.metrics else Clock.WALL

    @property
    def deciding(self) -> Metric:
        """The speedup of the deciding clock; its time for a case that has no speedup."""
        speedup = speedup_of(self.clock)
        return speedup if speedup in self.metrics else time_of(self.clock)

    def time(self, clock: Clock) -> rule.Effect:
        """The change of the variant's own time by a clock that both sides have."""
        return self.metrics[time_of(clock)].effect

    def shared(self, clock: Clock, shifts: Mapping[Clock, Shift]) -> float:
        """What of the shifts that all cases share this one's time has by a clock, in log units; positive is faster.

        A wall time has the host's shift in its own part, and the device's in the rest: a host that got faster leaves an
        engine on its device as it was.
        """
        if clock is Clock.DEVICE or self.clock is Clock.WALL:
            return shifts[clock].size
        timings = [(sample.device.variant_s, sample.wall.variant_s) for sample in self.baseline if sample.device]
        return _shared_by_wall_time(timings, shifts)

    def shared_by_reference(self, clock: Clock, shifts: Mapping[Clock, Shift]) -> float:
        """The same of its reference's time."""
        timings = [
            (sample.device.reference_s, sample.wall.reference_s)
            for sample in self.baseline
            if sample.device and sample.device.reference_s and sample.wall.reference_s
        ]
        if clock is Clock.DEVICE or self.clock is Clock.WALL or not timings:
            return shifts[clock].size
        return _shared_by_wall_time(timings, shifts)

    @property
    def is_reference(self) -> bool:
        """Whether the case is the reference itself."""
        return self.case.variant == REFERENCE_VARIANT

    @property
    def rounds(self) -> int:
        """The smallest number of rounds in any replicate of either side."""
        return min(sample.rounds for sample in (*self.baseline, *self.current))


def _shared_by_wall_time(timings: Iterable[tuple[float, float]], shifts: Mapping[Clock, Shift]) -> float:
    """From device and wall seconds of a baseline's samples: how much of the wall time is the host's."""
    on_device = median(min(1.0, device_s / wall_s) for device_s, wall_s in timings)
    host = (1 - on_device) * math.exp(-shifts[Clock.WALL].size)
    return -math.log(host + on_device * math.exp(-shifts[Clock.DEVICE].size))


def change_of(case: CaseId, baseline: Sequence[Sample], current: Sequence[Sample], platform: Platform) -> CaseChange:
    """Estimate every metric's change; both sides need at least one sample."""
    paired = any(sample.paired for sample in (*baseline, *current))
    same_engine = _is_same_engine((*baseline, *current))
    metrics = {}
    for metric in Metric:
        before = _present(metric.score(sample) for sample in baseline)
        after = _present(metric.score(sample) for sample in current)
        if before and after:
            metrics[metric] = Change(
                metric=metric,
                baseline=before,
                current=after,
                effect=rule.effect_of(
                    before,
                    after,
                    _present(metric.standard_error(sample) for sample in current),
                    rule.assumed_spread(metric, platform, paired=paired, same_engine=same_engine),
                    rule.minimum_effect(metric),
                ),
            )
    return CaseChange(
        case=case,
        baseline=tuple(baseline),
        current=tuple(current),
        metrics=metrics,
        reference=_reference_changes(case, baseline, current, platform, paired=paired),
    )


def _is_same_engine(samples: Iterable[Sample]) -> bool:
    engines = {sample.facts.get("engine_sha256") for sample in samples}
    return len(engines) == 1 and None not in engines


def _reference_changes(
    case: CaseId,
    baseline: Sequence[Sample],
    current: Sequence[Sample],
    platform: Platform,
    *,
    paired: bool,
) -> dict[Clock, rule.Effect]:
    changes = {}
    for clock in Clock:
        before = _present(_reference_score(case, clock, sample) for sample in baseline)
        after = _present(_reference_score(case, clock, sample) for sample in current)
        if before and after:
            changes[clock] = rule.effect_of(
                before,
                after,
                _present(_reference_error(case, clock, sample) for sample in current),
                rule.assumed_spread(time_of(clock), platform, paired=paired),
                rule.minimum_effect(time_of(clock)),
            )
    return changes


def _reference_score(case: CaseId, clock: Clock, sample: Sample) -> float | None:
    timing = clock.timing(sample)
    if timing is None:
        return None
    if timing.reference_s is not None:
        return -math.log(timing.reference_s)
    # In a plain file the reference is a case like any other and has no reference of its own.
    return -math.log(timing.variant_s) if case.variant == REFERENCE_VARIANT else None


def _reference_error(case: CaseId, clock: Clock, sample: Sample) -> float | None:
    timing = clock.timing(sample)
    if timing is None:
        return None
    if timing.reference_s is not None:
        return timing.reference_se
    return timing.variant_se if case.variant == REFERENCE_VARIANT else None


def _present(numbers: Iterable[float | None]) -> tuple[float, ...]:
    return tuple(number for number in numbers if number is not None)
