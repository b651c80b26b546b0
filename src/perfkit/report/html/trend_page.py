"""The HTML report of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.html import charts
from perfkit.report.html.document import document
from perfkit.report.html.trend_views import change_views, series_points, series_views
from perfkit.report.trend.terminal import tonight_lines
from perfkit.report.trends import HEADINGS

if TYPE_CHECKING:
    from perfkit.report.trend.exporter import TrendReport


def export(report: TrendReport) -> bytes:
    """One document in UTF-8, ending with a newline."""
    points, step = series_points(report.overview)
    views = series_views(report.overview)
    states: dict[str, int] = {}
    for view in views:
        states[view.state] = states.get(view.state, 0) + 1
    return document(
        "trend.html.j2",
        {"charts": {"trend": charts.trend()}, **points},
        summary=report.summary,
        asked=report.asked,
        hardware=list(dict.fromkeys(view.hardware for view in views)),
        tonight=list(tonight_lines(report)),
        headings=HEADINGS,
        changes=change_views(report.overview),
        series=views,
        states=states,
        step=step,
    )
