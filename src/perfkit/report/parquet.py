"""The flat table as Parquet, for data frames and databases: typed columns, absent values null."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from perfkit.report.flat import FlatRow, flat_rows

if TYPE_CHECKING:
    from perfkit.report.exporter import Report

_TYPES = {str: pa.string(), str | None: pa.string(), float | None: pa.float64(), int | None: pa.int64()}
_SCHEMA = pa.schema([(name, _TYPES[kind]) for name, kind in get_type_hints(FlatRow).items()])


def export(report: Report) -> bytes:
    """One table with the columns of FlatRow; its metadata name perfkit and the schema version of the judgement."""
    judgement = report.judgement
    columns = zip(*flat_rows(report), strict=True) if judgement.rows else ([] for _ in _SCHEMA)
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    metadata = {"kind": judgement.kind, "schema_version": str(judgement.schema_version), "summary": judgement.summary}
    table = pa.Table.from_arrays(arrays, schema=_SCHEMA).replace_schema_metadata(metadata)
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()
