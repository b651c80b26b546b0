"""Taking the user's own metrics of a case, after its rounds: nothing of them is in any time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from perfkit.errors import reason_of
from perfkit.metrics.registry import described

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.metrics.base import CaseMetric, CaseUnderTest
    from perfkit.record.facts import CustomMetric


def custom_metrics(metrics: Iterable[CaseMetric], case: CaseUnderTest) -> dict[str, CustomMetric] | None:
    """Each metric's number by its name, or why there is none; None where no metric is asked for.

    A metric that fails loses its own number, not the times that were measured before it.
    """
    return {metric.name: _measured(metric, case) for metric in metrics} or None


def _measured(metric: CaseMetric, case: CaseUnderTest) -> CustomMetric:
    try:
        reason = metric.unavailable()
        if reason is not None:
            return described(metric, reason=reason)
        value = float(metric.measure(case))
    except Exception as error:  # a user's code may raise anything
        return described(metric, reason=reason_of(error))
    if not (math.isfinite(value) and value > 0):
        return described(metric, reason=f"{value:g} is not above 0, or not finite")
    return described(metric, value=value)
