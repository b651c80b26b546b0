"""The flat table as CSV (UTF-8, a line feed a line): numbers in full precision, times in seconds."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from perfkit.report.flat import FlatRow, flat_rows
from perfkit.report.text import distinct

if TYPE_CHECKING:
    from perfkit.report.exporter import Report

_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the start of a formula, and would run."""


def export(report: Report) -> bytes:
    """A heading and a row for each case and metric; what isn't known is an empty field."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FlatRow._fields)
    writer.writerows([field(value) for value in row] for row in flat_rows(report))
    return out.getvalue().encode()


def field(value: object) -> object:
    """A number as it is; a text so that nothing in it is hidden, and that no spreadsheet runs."""
    if not isinstance(value, str):
        return value
    text = distinct(value)
    # Spaces before it don't stop every spreadsheet.
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
