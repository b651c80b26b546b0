"""What is judged: two clocks, each as a speedup and as a time, each with its better direction."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.record.replicate import Sample, Timing


class Clock(StrEnum):
    """Which of a round's two times."""

    DEVICE = "device"
    WALL = "wall"

    def timing(self, sample: Sample) -> Timing | None:
        """This clock's numbers of a sample; None where it wasn't read."""
        return sample.device if self is Clock.DEVICE else sample.wall


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

    def score(self, sample: Sample) -> float | None:
        """The sample's number on a natural log scale where more is better; None where absent."""
        timing = self.clock.timing(sample)
        if timing is None:
            return None
        return timing.log_speedup if self.is_speedup else -math.log(timing.variant_s)

    def standard_error(self, sample: Sample) -> float | None:
        """The standard error of the score within the replicate; None where it isn't known."""
        timing = self.clock.timing(sample)
        if timing is None:
            return None
        return timing.log_speedup_se if self.is_speedup else timing.variant_se

    def value_of(self, score: float) -> float:
        """A score as people read it: a speedup as a factor, a time in seconds."""
        return math.exp(score if self.is_speedup else -score)


_CLOCKS = {metric: Clock(metric.value.split()[0]) for metric in Metric}
"""Asked once for every score: a thousand cases have a quarter of a million."""


def speedup_of(clock: Clock) -> Metric:
    """The clock's speedup metric."""
    return Metric.DEVICE_SPEEDUP if clock is Clock.DEVICE else Metric.WALL_SPEEDUP


def time_of(clock: Clock) -> Metric:
    """The clock's time metric."""
    return Metric.DEVICE_TIME if clock is Clock.DEVICE else Metric.WALL_TIME
