"""The history as GitHub Markdown: what tonight brought, every change, and the series, folded; at most 60 kB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.history_table import line_of
from perfkit.report.markdown import MOST_BYTES, escape, folded, table_row
from perfkit.report.text import clip
from perfkit.report.trend.terminal import tonight_lines
from perfkit.report.trends import HEADINGS, cells_of, groups_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfkit.report.trend.exporter import TrendReport

_LONGEST = 300
_RESERVE_BYTES = 300
"""For the lines that count what is left out."""
_SERIES = ("case", "metric", "state", "nights", "first", "last", "range", "through time")


def export(report: TrendReport) -> bytes:
    """At most MOST_BYTES of UTF-8, ending with a newline. The oldest changes and the steadiest series go first."""
    blocks = [f"**{_cell(report.summary)}**"]
    room = MOST_BYTES - len(blocks[0].encode()) - _RESERVE_BYTES
    blocks += _cut([f"- {_cell(line)}" for line in tonight_lines(report)], "", room // 4)
    changes = [table_row(map(_cell, cells_of(group))) for group in groups_of(report.overview.trends)]
    if changes:
        blocks += _cut(changes, _heading(HEADINGS), room // 3)
    series = [
        table_row(
            map(_cell, (str(one.series.case), one.series.metric, one.state, *line_of(one.series.metric, one.values)))
        )
        for one in report.overview.series
    ]
    taken = sum(len(block.encode()) + 2 for block in blocks)
    lines = "\n\n".join(_cut(series, _heading(_SERIES), MOST_BYTES - taken - _RESERVE_BYTES))
    blocks.append(folded(f"{len(series)} series", lines))
    return ("\n\n".join(blocks) + "\n").encode()


def _cut(lines: Sequence[str], heading: str, room: int) -> Iterator[str]:
    """As many lines as `room` bytes hold in one block below the heading, and a line that counts the others."""
    shown = []
    room -= len(heading.encode()) + 1
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        shown.append(line)
    if shown:
        yield "\n".join([heading, *shown] if heading else shown)
    if len(shown) < len(lines):
        yield f"{len(lines) - len(shown)} more are left out here."


def _heading(names: Sequence[str]) -> str:
    return "\n".join([table_row(names), table_row("---" for _ in names)])


def _cell(text: str) -> str:
    return escape(clip(text, _LONGEST))
