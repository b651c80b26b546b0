"""The history for a terminal or a log: what tonight brought, every change, a line a series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.history_table import render_lines
from perfkit.report.text import WIDTH_OF_FILES, fold, printable
from perfkit.report.trends import render as render_changes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.history.overview import SeriesThrough
    from perfkit.report.trend.exporter import TrendReport


def export(report: TrendReport) -> bytes:
    """For a file: 140 columns."""
    return (render(report, WIDTH_OF_FILES) + "\n").encode("utf-8", "backslashreplace")


def render(report: TrendReport, width: int) -> str:
    """At most `width` columns wide, without a newline at its end."""
    oldest_first = sorted(report.overview.trends, key=lambda trend: trend.date)
    blocks = [
        "\n".join(part for line in tonight_lines(report) for part in fold(line, width)),
        render_changes(oldest_first, width),
        render_lines([(one.series, one.values) for one in report.overview.series], "nights", width),
        "\n".join(fold(report.summary, width)),
    ]
    return "\n\n".join(block for block in blocks if block)


def tonight_lines(report: TrendReport) -> Iterator[str]:
    """What the newest night of each hardware brought, a printable line each."""
    for one in report.turned:
        yield f"newly {one.failing[one.nights[-1]]} on {_day(report, one)}: {printable(str(one.series.case))}"
    for one in report.new:
        yield f"new on {_day(report, one)}: {printable(str(one.series.case))}"


def _day(report: TrendReport, one: SeriesThrough) -> str:
    return report.overview.nights[one.nights[-1]].day
