"""A plain table of strings for a terminal or a log: columns where they fit, a paragraph a row where not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.text import GAP, INDENT, cell_width, fold, pad, printable
from perfkit.report.units import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def columns(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Lines of at most ``width`` columns; nothing is cut off, and the first column names the row."""
    shown = [[printable(cell) or NOTHING for cell in row] for row in rows]
    widths = [max(map(cell_width, column)) for column in zip(headings, *shown, strict=True)]
    if sum(widths) + len(GAP) * (len(widths) - 1) <= width:
        for row in [list(headings), *shown]:
            yield GAP.join(map(pad, row, widths)).rstrip()
        return
    for name, *cells in shown:
        yield from fold(name, width)
        named = zip(headings[1:], cells, strict=True)
        told = ", ".join(f"{heading} {cell}" for heading, cell in named if cell != NOTHING)
        yield from (f"{INDENT}{line}" for line in fold(told, width - len(INDENT)))
