"""Each case of a run through the nights: what the page of the history has of it, in the case's own section.

Numpy and SQLAlchemy, which the history needs, are imported where a report has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfkit.report.html.links import anchor

if TYPE_CHECKING:
    from perfkit.report.exporter import Report
    from perfkit.report.html.trend_views import SeriesView

_MOST_POINTS = 30_000
"""Beside the rounds of 500 cases there is room for so many."""


def past_views(report: Report) -> dict[str, list[SeriesView]]:
    """By the id of the case's section its series, more than one where its device times were taken in two ways."""
    overview = report.past.overview
    if overview is None:
        return {}
    from perfkit.report.html.trend_views import series_views

    views: dict[str, list[SeriesView]] = {}
    for view, one in zip(series_views(overview), overview.series, strict=True):
        views.setdefault(anchor(one.series.case), []).append(view)
    return views


def past_points(report: Report) -> tuple[dict[str, Any], int]:
    """For the page's script, and how many nights a point stands for."""
    if report.past.overview is None:
        return {"nights": [], "sets": [], "series": {}}, 1
    from perfkit.report.html.trend_views import series_points

    return series_points(report.past.overview, _MOST_POINTS)
