"""The order that a project demands of its variants: no change since the baseline, but a gate all the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from perfkit.judge.advisories import time_ratio
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.limits import Limits
    from perfkit.judge.verdict import Row
    from perfkit.record.replicate import Sample


def too_slow(current: Mapping[CaseId, Sequence[Sample]], limits: Limits) -> dict[CaseId, str]:
    """Cases that aren't so many times as fast as another variant on the same shape as `[judging]` demands, with why.

    Tonight's times are held to each other, medians over replicates; what is missing must be more than the smallest
    change that counts, or two variants that are equally fast would fail every second night. A variant that wasn't
    measured demands nothing.
    """
    found: dict[CaseId, list[str]] = {}
    for case, samples in sorted(current.items()):
        for variant, least in limits.minimum_speeds(case).items():
            other = current.get(case._replace(variant=variant))
            speed = 1 / time_ratio(samples, other) if other else least
            if speed < least * math.exp(-_counts(case, samples, other, limits)):
                told = f"{speed:.2f}x the speed of {variant} on this shape, [judging] demands {least:g}x"
                found.setdefault(case, []).append(told)
    return {case: "; ".join(told) for case, told in found.items()}


def _counts(case: CaseId, samples: Sequence[Sample], other: Sequence[Sample] | None, limits: Limits) -> float:
    """The smallest change of the times that are compared, on the log scale."""
    has_device = all(sample.device is not None for sample in (*samples, *(other or ())))
    return limits.minimum_effect(case, Metric.DEVICE_TIME if has_device else Metric.WALL_TIME)


def in_order(row: Row, too_slow: Mapping[CaseId, str]) -> Row:
    """The row, REGRESSED where its case is too slow and nothing worse is said of it; no waiver covers that."""
    why = too_slow.get(row.case)
    if why is None or row.verdict.fails:
        return row
    return row.model_copy(
        update={"verdict": Verdict.REGRESSED, "reason": "; ".join(filter(None, (why, row.reason))), "waiver": None}
    )
