"""Every number of some series, for other programs: CSV, JSON and Parquet, the same columns in full precision."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError
from perfkit.report.csv_ import field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from perfkit.history.series import Series, Through

_OF_SERIES = ("model", "variant", "shape", "metric", "hardware")
_OF_POINT = ("date", "commit", "run_id", "value", "relative_error", "verdict")
COLUMNS = (*_OF_SERIES, *_OF_POINT)
"""Values are factors for speedups, else in the unit that the metric's name ends with (times: seconds)."""


def csv_text(found: Sequence[Through]) -> str:
    """A heading and a line a measurement; what isn't known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([field(value) for value in row] for row in _rows(found))
    return out.getvalue()


def json_text(found: Sequence[Through]) -> str:
    """One object with a list of series, each with its points."""
    series = [
        dict(zip(_OF_SERIES, _told(through.series), strict=True))
        | {"points": [dict(zip(_OF_POINT, point, strict=True)) for point in _points(through)]}
        for through in found
    ]
    whole = {"kind": "perfkit-history", "schema_version": 1, "series": series}
    return json.dumps(whole, allow_nan=False, indent=1) + "\n"


def write_parquet(found: Sequence[Through], path: Path) -> None:
    """A Parquet file with a row a measurement; dates are timestamps, words are dictionaries.

    Raises UserError where the library is missing or the file can't be written; what was there is then still there.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UserError("--parquet needs the library pyarrow: pip install 'perfkit[history]'") from error
    words = pa.dictionary(pa.int32(), pa.string())
    kinds = {"date": pa.timestamp("s", tz="UTC"), "value": pa.float64(), "relative_error": pa.float64()}
    columns: list[list[Any]] = [list(column) for column in zip(*_rows(found), strict=True)]
    columns[COLUMNS.index("date")] = [point.run.at_s for through in found for point in through.points]
    table = pa.table(
        {name: pa.array(column, type=kinds.get(name, words)) for name, column in zip(COLUMNS, columns, strict=True)}
    )
    unfinished = path.with_name(f".{path.name}.tmp")
    try:
        parquet.write_table(table, unfinished)
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # a name may be too long to be looked for, too
            unfinished.unlink()
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error


def _rows(found: Sequence[Through]) -> Iterator[tuple[object, ...]]:
    for through in found:
        told = _told(through.series)
        yield from ((*told, *point) for point in _points(through))


def _told(series: Series) -> tuple[str, ...]:
    return (*series.case, series.metric, series.hardware)


def _points(through: Through) -> Iterator[tuple[object, ...]]:
    for point in through.points:
        run = point.run
        yield run.date, run.commit, run.digest, point.value, point.relative_error, point.verdict
