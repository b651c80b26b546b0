"""What one side's replicates say of a case: of the case itself, and of the reference that was measured beside it.

Scores are on a natural log scale where more is better; errors are theirs within the replicates. Both are of the samples
that have them, in their order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.metric import Clock, Metric
    from perfkit.record.replicate import Sample


@dataclass(frozen=True, slots=True)
class OwnScores:
    """Of the case itself."""

    metric: Metric

    def scores(self, _: CaseId, samples: Sequence[Sample]) -> tuple[float, ...]:
        """By the metric."""
        return self.metric.scores(samples)

    def errors(self, _: CaseId, samples: Sequence[Sample]) -> tuple[float, ...]:
        """Of the metric."""
        return self.metric.standard_errors(samples)


@dataclass(frozen=True, slots=True)
class ReferenceScores:
    """Of the reference that was measured beside the case, by its own time.

    In a plain file the reference is a case like any other and has no reference of its own.
    """

    clock: Clock

    def scores(self, case: CaseId, samples: Sequence[Sample]) -> tuple[float, ...]:
        """By the reference's time."""
        is_reference = case.variant == REFERENCE_VARIANT
        times_s = [
            timing.variant_s if timing.reference_s is None and is_reference else timing.reference_s
            for timing in self.clock.timings(samples)
        ]
        return tuple(-math.log(time_s) for time_s in times_s if time_s is not None)

    def errors(self, case: CaseId, samples: Sequence[Sample]) -> tuple[float, ...]:
        """Of the reference's time."""
        is_reference = case.variant == REFERENCE_VARIANT
        errors = [
            timing.variant_se if timing.reference_s is None and is_reference else timing.reference_se
            for timing in self.clock.timings(samples)
        ]
        return tuple(error for error in errors if error is not None)
