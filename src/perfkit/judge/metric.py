"""What is judged: two clocks, each as a speedup and as a time, each with its better direction."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.record.replicate import Sample, Timing


class Clock(StrEnum):
    """Which of a round's two times."""

    DEVICE = "device"
    WALL = "wall"

    def timing(self, sample: Sample) -> Timing | None:
        """This clock's numbers of a sample; None where it wasn't read."""
        return sample.device if self is Clock.DEVICE else sample.wall

    def timings(self, samples: Iterable[Sample]) -> list[Timing]:
        """Of the samples that have them, in their order."""
        if self is Clock.DEVICE:
            return [timing for sample in samples if (timing := sample.device) is not None]
        return [sample.wall for sample in samples]


class Metric(StrEnum):
    """A number that is judged, oriented so that more of ``score`` is always better."""

    DEVICE_SPEEDUP = "device speedup"
    WALL_SPEEDUP = "wall speedup"
    DEVICE_TIME = "device time"
    WALL_TIME = "wall time"

    @property
    def clock(self) -> Clock:
        """The clock that the metric is read from."""
        return _CLOCKS[self]

    @property
    def is_speedup(self) -> bool:
        """Whether it is a ratio to the reference (more is better) or a time (less is better)."""
        return self in (Metric.DEVICE_SPEEDUP, Metric.WALL_SPEEDUP)

    def scores(self, samples: Iterable[Sample]) -> tuple[float, ...]:
        """On a natural log scale where more is better, of the samples that have one, in their order.

        Of all samples at once, for a thousand cases have a quarter of a million.
        """
        timings = self.clock.timings(samples)
        if self.is_speedup:
            return tuple([timing.log_speedup for timing in timings if timing.log_speedup is not None])
        return tuple([-math.log(timing.variant_s) for timing in timings])

    def score(self, sample: Sample) -> float | None:
        """The sample's number on a natural log scale where more is better; None where absent."""
        return next(iter(self.scores([sample])), None)

    def standard_errors(self, samples: Iterable[Sample]) -> tuple[float, ...]:
        """Of the scores within their replicates, where they are known."""
        timings = self.clock.timings(samples)
        errors = [timing.log_speedup_se if self.is_speedup else timing.variant_se for timing in timings]
        return tuple(error for error in errors if error is not None)

    def standard_error(self, sample: Sample) -> float | None:
        """The standard error of the score within the replicate; None where it isn't known."""
        return next(iter(self.standard_errors([sample])), None)

    def value_of(self, score: float) -> float:
        """A score as people read it: a speedup as a factor, a time in seconds."""
        return math.exp(score if self.is_speedup else -score)


_CLOCKS = {metric: Clock(metric.value.split()[0]) for metric in Metric}


def speedup_of(clock: Clock) -> Metric:
    """The clock's speedup metric."""
    return Metric.DEVICE_SPEEDUP if clock is Clock.DEVICE else Metric.WALL_SPEEDUP


def time_of(clock: Clock) -> Metric:
    """The clock's time metric."""
    return Metric.DEVICE_TIME if clock is Clock.DEVICE else Metric.WALL_TIME
