"""What the page of the history shows and draws: a row and a small chart a series, the changes, what tonight brought."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from perfkit.history.metrics import declared, queued
from perfkit.history.overview import State
from perfkit.report.history_table import line_of
from perfkit.report.html.links import name_of
from perfkit.report.text import printable
from perfkit.report.trends import cells_of, groups_of, told_change
from perfkit.report.units import NOTHING

if TYPE_CHECKING:
    from perfkit.history.overview import Overview, SeriesThrough
    from perfkit.history.series import Series
    from perfkit.history.trends import Trend

MOST_POINTS = 150_000
"""Numbers in one page, some 1 MB of it. Beyond, neighbouring nights are drawn as their median, and the page says so."""
_ROOM = 0.05
"""A chart spans so much of the series' median to each side at least: what stands still shall look still."""
_UNITS = (("speedup", 1.0, "x"), (" time", 1e3, "ms"), ("_s", 1e3, "ms"), ("_bytes", 1e-6, "MB"))


@dataclass(frozen=True, slots=True)
class SeriesView:
    """A row of the table of series, and the figure below it."""

    id: str
    case: str
    metric: str
    unit: str
    """Of the chart's axis."""
    hardware: str
    state: str
    rank: int
    """Of the state, for sorting."""
    count: str
    first: str
    last: str
    last_value: float
    spread: str
    sparkline: str
    last_night: str
    change: str
    """The newest one, in words."""
    change_pct: float | None
    failing: str
    """The verdict of its last night, where that fails."""


class ChangeView(NamedTuple):
    """A row of the table of changes: one, or many of one night."""

    cells: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    """Id and case of each series."""


def id_of(series: Series) -> str:
    """The id of a series' figure, the same in every page."""
    return name_of("s", f"{series.case} {series.metric} {series.hardware}")


def series_views(overview: Overview) -> list[SeriesView]:
    """In the overview's order."""
    return [_view(overview, one) for one in overview.series]


def change_views(overview: Overview) -> list[ChangeView]:
    """Newest first."""
    ids = {_key(one.series): id_of(one.series) for one in overview.series}
    return [
        ChangeView(
            cells_of(group),
            tuple((ids[trend.case, trend.metric, trend.hardware], printable(trend.case)) for trend in group),
        )
        for group in groups_of(overview.trends)
    ]


def series_points(overview: Overview, most: int = MOST_POINTS) -> tuple[dict[str, Any], int]:
    """For the page's script, and how many nights a point stands for.

    Nights are told once; which of them a series has is a list that most series share.
    """
    total = sum(len(one.values) for one in overview.series)
    step = max(1, -(-total // most))
    sets: dict[tuple[int, ...], int] = {}
    series = {}
    for one in overview.series:
        factor, _ = _unit(one.series.metric)
        values = [_short(value * factor) for value in one.values]
        blocks = range(0, len(values), step)
        drawn = [_short(median(values[start : start + step])) for start in blocks] if step > 1 else values
        nights = tuple(one.nights[min(start + step, len(values)) - 1] for start in blocks)
        middle = median(drawn)
        at = dict(zip(one.nights, values, strict=True))
        series[id_of(one.series)] = {
            "set": sets.setdefault(nights, len(sets)),
            "values": drawn,
            "failing": [[night, at[night], str(verdict)] for night, verdict in one.failing.items()],
            "changes": [_drawn(trend) for trend in one.trends],
            "room": [_short(middle * (1 - _ROOM)), _short(middle * (1 + _ROOM))],
        }
    nights_told = [[night.date[:19], printable(night.short_commit)] for night in overview.nights]
    return {"nights": nights_told, "sets": [list(nights) for nights in sets], "series": series}, step


def _view(overview: Overview, one: SeriesThrough) -> SeriesView:
    count, first, last, spread, line = line_of(one.series.metric, one.values)
    newest = one.trends[-1] if one.trends else None
    failing = one.failing.get(one.nights[-1])
    return SeriesView(
        id=id_of(one.series),
        case=printable(str(one.series.case)),
        metric=one.series.metric,
        unit=_unit(one.series.metric)[1],
        hardware=one.series.hardware,
        state=str(one.state),
        rank=list(State).index(one.state),
        count=count,
        first=first,
        last=last,
        last_value=one.values[-1],
        spread=spread,
        sparkline=line,
        last_night=overview.nights[one.nights[-1]].day,
        change=NOTHING if newest is None else _words(newest),
        change_pct=None if newest is None else newest.change_pct,
        failing="" if failing is None else str(failing),
    )


def _words(trend: Trend) -> str:
    sign = "▼" if trend.worse else "▲"
    when = f"on {trend.date}" if trend.kind == "step" else f"from {trend.before} to {trend.date}"
    return f"{sign} {trend.kind} {told_change(trend)} {when}"


def _drawn(trend: Trend) -> dict[str, Any]:
    kind = {"kind": str(trend.kind), "way": "worse" if trend.worse else "better", "told": _words(trend)}
    return {**kind, "date": trend.date if trend.kind == "step" else trend.before, "end": trend.date}


def _key(series: Series) -> tuple[str, str, str]:
    return str(series.case), series.metric, series.hardware


def _unit(metric: str) -> tuple[float, str]:
    """What a value is multiplied by to be drawn, and the unit that it then has."""
    if (custom := declared(metric)) is not None:
        return 1.0, custom.unit
    name = queued(metric)
    return next(((factor, unit) for ending, factor, unit in _UNITS if name.endswith(ending)), (1.0, ""))


def _short(value: float) -> float:
    return float(f"{value:.4g}")
