"""The flat table with tabs: no format of perfkit's, but one added as docs/architecture.md says, by test_recipes.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.flat import FlatRow, flat_rows
from perfkit.report.text import distinct

if TYPE_CHECKING:
    from perfkit.report.exporter import Report


def export(report: Report) -> bytes:
    """A heading and a row for each case and metric; names are escaped, so that none holds a tab or an end of line."""
    rows = [FlatRow._fields, *flat_rows(report)]
    return "".join("\t".join(map(_cell, row)) + "\n" for row in rows).encode()


def _cell(value: object) -> str:
    return "" if value is None else distinct(value) if isinstance(value, str) else str(value)
