"""The HTML report of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.html import charts, points
from perfkit.report.html.cases import case_views, headings_of
from perfkit.report.html.document import document
from perfkit.report.html.overview import overview_of
from perfkit.report.html.past import past_points, past_views
from perfkit.report.table import SYMBOLS, head_lines

if TYPE_CHECKING:
    from perfkit.report.exporter import Report


def export(report: Report) -> bytes:
    """One document in UTF-8, ending with a newline."""
    cases, step = points.case_points(report)
    models = points.model_points(report)
    past, nights_step = past_points(report)
    return document(
        "page.html.j2",
        {
            "charts": {**charts.specifications(), "trend": charts.trend()},
            "models": models,
            "cases": cases,
            "step": step,
            **past,
        },
        judgement=report.judgement,
        head=head_lines(report.judgement),
        overview=overview_of(report),
        cases=case_views(report),
        headings=headings_of(report),
        sections=points.sections(report.judgement.rows),
        models=models,
        drawn=cases,
        step=step,
        past=past_views(report),
        why_no_past=report.past.why,
        nights_step=nights_step,
        symbols=SYMBOLS,
    )
