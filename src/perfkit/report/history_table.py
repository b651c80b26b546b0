"""The history for people: a sparkline, and a row a replicate; of several series a line each."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from perfkit.history.metrics import declared, queued
from perfkit.report.columns import columns
from perfkit.report.text import cell_width, fold, printable
from perfkit.report.units import NOTHING, format_speedup, format_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from perfkit.history.series import Series, Through

_BARS = "▁▂▃▄▅▆▇█"
_MOST_ROWS = 30
_LONGEST_SPARKLINE = 60
_SPARKLINE = 24
"""In a line of several."""


def render_many(
    series: Sequence[Series],
    ids: NDArray[np.int64],
    _: NDArray[np.int64],
    values: NDArray[np.float64],
    width: int,
) -> str:
    """A line a series, at most `width` columns wide, without a newline at its end.

    `ids` and `values` are the columns of all their numbers, by series and date.
    """
    own = ((one, values[ids.searchsorted(one.id) : ids.searchsorted(one.id, side="right")].tolist()) for one in series)
    return render_lines([(one, numbers) for one, numbers in own if numbers], "replicates", width)


def render_lines(series: Sequence[tuple[Series, Sequence[float]]], counted: str, width: int) -> str:
    """The same of series each with its numbers, one at least; `counted` says what a number is one of."""
    headings = ("case", "metric", counted, "first", "last", "range", "through time")
    rows = [(str(one.case), one.metric, *line_of(one.metric, numbers)) for one, numbers in series]
    hardware = dict.fromkeys(f"hardware: {printable(one.hardware)}" for one, _ in series)
    return "\n".join([*columns(headings, rows, width), *(part for line in hardware for part in fold(line, width))])


def line_of(metric: str, values: Sequence[float]) -> tuple[str, str, str, str, str]:
    """How many numbers, the first, the last, from where to where, and their sparkline."""
    low, high, first, last = (
        format_value(metric, value) for value in (min(values), max(values), values[0], values[-1])
    )
    return str(len(values)), first, last, f"{low} to {high}", sparkline(values, _SPARKLINE)


def render_one(through: Through, width: int) -> str:
    """A series with a row a replicate, at most `width` columns wide, without a newline at its end."""
    series, points = through.series, through.points
    metric, values = series.metric, [point.value for point in points]
    name = printable(metric)
    head = fold(f"{printable(str(series.case))}, {name}, on {printable(series.hardware)}", width)
    low, high = format_value(metric, min(values)), format_value(metric, max(values))
    line = sparkline(values, min(_LONGEST_SPARKLINE, max(8, width - cell_width(low + high) - 2)))
    rows = [
        (
            point.run.date[:16].replace("T", " "),
            point.run.short_commit,
            format_value(metric, point.value),
            NOTHING if point.relative_error is None else f"{100 * point.relative_error:.1f}%",
            point.verdict or NOTHING,
        )
        for point in points[-_MOST_ROWS:]
    ]
    lines = [*head, f"{low} {line} {high}", *columns(("date", "commit", name, "±", "verdict"), rows, width)]
    earlier = len(points) - _MOST_ROWS
    if earlier > 0:
        lines += fold(f"and {earlier} earlier; --csv and --json have all", width)
    return "\n".join(lines)


def sparkline(values: Sequence[float], width: int) -> str:
    """A bar a value, or the median of neighbours where there are more values than columns.

    >>> sparkline([1, 2, 3, 4], 8), sparkline([1, 1, 9, 9, 5, 5], 3), sparkline([7, 7], 8)
    ('▁▃▆█', '▁█▅', '▄▄')
    """
    count = min(width, len(values))
    edges = [round(column * len(values) / count) for column in range(count + 1)]
    shown = [median(values[a:b]) for a, b in pairwise(edges)]
    low, high = min(shown), max(shown)
    if high == low:
        return _BARS[3] * count
    return "".join(_BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] for value in shown)


def format_value(metric: str, value: float) -> str:
    """A number of the history for people, in the unit that the metric's name tells.

    >>> format_value("wall speedup", 2.5), format_value("p99_s", 0.0125), format_value("engine_bytes", 2.5e6)
    ('2.50x', '12.5 ms', '2.50 MB')
    >>> format_value("device time (replayed)", 0.0125)
    '12.5 ms'
    >>> format_value("images per s [img/s, higher is better]", 1234.5)
    '1234.5 img/s'
    """
    if (custom := declared(metric)) is not None:
        return f"{value:.6g} {printable(custom.unit)}"
    metric = queued(metric)
    if metric.endswith("speedup"):
        return format_speedup(value)
    if metric.endswith((" time", "_s")):
        return format_time(value) if value > 0 and math.isfinite(value) else f"{value:g} s"
    if metric.endswith("_bytes"):
        return f"{value / 1e6:.2f} MB"
    return f"{value:.6g}"
