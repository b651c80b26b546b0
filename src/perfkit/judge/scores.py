"""What one replicate says of a case: of the case itself, and of the reference that was measured beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT

if TYPE_CHECKING:
    from perfkit.catalog.case import CaseId
    from perfkit.judge.metric import Clock, Metric
    from perfkit.record.replicate import Sample


@dataclass(frozen=True, slots=True)
class OwnScores:
    """Of the case itself."""

    metric: Metric

    def score(self, _: CaseId, sample: Sample) -> float | None:
        """On a natural log scale where more is better; None where the sample hasn't got it."""
        return self.metric.score(sample)

    def error(self, _: CaseId, sample: Sample) -> float | None:
        """Its standard error within the replicate; None where it isn't known."""
        return self.metric.standard_error(sample)


@dataclass(frozen=True, slots=True)
class ReferenceScores:
    """Of the reference that was measured beside the case, by its own time."""

    clock: Clock

    def score(self, case: CaseId, sample: Sample) -> float | None:
        """On a natural log scale where more is better; None where the sample hasn't got it."""
        timing = self.clock.timing(sample)
        if timing is None:
            return None
        if timing.reference_s is not None:
            return -math.log(timing.reference_s)
        # In a plain file the reference is a case like any other and has no reference of its own.
        return -math.log(timing.variant_s) if case.variant == REFERENCE_VARIANT else None

    def error(self, case: CaseId, sample: Sample) -> float | None:
        """Its standard error within the replicate; None where it isn't known."""
        timing = self.clock.timing(sample)
        if timing is None:
            return None
        if timing.reference_s is not None:
            return timing.reference_se
        return timing.variant_se if case.variant == REFERENCE_VARIANT else None
