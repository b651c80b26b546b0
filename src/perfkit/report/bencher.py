"""Bencher Metric Format: JSON that ``bencher run --adapter json --file`` reads.

``latency`` is Bencher's own measure, in nanoseconds; the others it makes when it first meets them. Bencher keeps
thresholds of its own, so that no interval is handed over.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from perfkit.judge.metric import Metric
from perfkit.report.text import distinct, shorten

if TYPE_CHECKING:
    from perfkit.report.exporter import Report

_LONGEST_NAME = 1024
_NANOSECONDS = 1e9
_MEASURES = {
    Metric.WALL_TIME: ("latency", _NANOSECONDS),
    Metric.DEVICE_TIME: ("device-latency", _NANOSECONDS),
    Metric.WALL_SPEEDUP: ("wall-speedup", 1.0),
    Metric.DEVICE_SPEEDUP: ("device-speedup", 1.0),
}


def export(report: Report) -> bytes:
    """An object with the cases that the run has numbers of; the format can't say that one is broken or missing."""
    rows = report.judgement.rows
    names = shorten((distinct(str(row.case)) for row in rows), _LONGEST_NAME)
    measured = {}
    for row in rows:
        values = {
            slug: {"value": metric.current * scale}
            for metric in row.metrics
            if metric.current is not None
            for slug, scale in [_MEASURES[metric.metric]]
        }
        if values:
            measured[names[distinct(str(row.case))]] = values
    return (json.dumps(measured, allow_nan=False, indent=2) + "\n").encode()
