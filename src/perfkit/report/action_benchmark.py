"""What both files for github-action-benchmark share; each of its tools knows one direction for a whole file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from perfkit.report.table import why
from perfkit.report.text import distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.judge.verdict import Judgement, MetricRow


def entries(judgement: Judgement, *, speedups: bool, unit: str, scale: float = 1.0) -> bytes:
    """A JSON list with an entry for each case and metric that the run has a number of.

    The format can't say that a case is broken or missing: it has no entry then.
    """
    found = [
        {
            "name": f"{distinct(str(row.case))} {metric.metric}",
            "unit": unit,
            "value": metric.current * scale,
            **_range(metric),
            "extra": f"{row.verdict} {why(row)}".strip(),
        }
        for row in judgement.rows
        for metric in row.metrics
        if metric.current is not None and metric.metric.is_speedup is speedups
    ]
    return (json.dumps(found, allow_nan=False, indent=2) + "\n").encode()


def _range(metric: MetricRow) -> dict[str, str]:
    return dict(_of_change(metric))


def _of_change(metric: MetricRow) -> Iterator[tuple[str, str]]:
    """Half of the change's interval, the only width that is known; a number without a comparison has none."""
    if metric.change_low_pct is not None and metric.change_high_pct is not None:
        yield "range", f"± {(metric.change_high_pct - metric.change_low_pct) / 2:.2f}%"
