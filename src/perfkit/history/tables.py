"""The tables of the history.

A *series* is one metric of one case on one hardware; a measurement is one replicate's number in a series. Measurements
are kept in the order of their series, so that reading one through all the years touches few pages.

Core tables and no classes: SQLAlchemy's ORM takes another fifth of a second to import, and nothing here has behaviour.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

METADATA = MetaData(
    naming_convention={
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Constraints have names of ours, so that a migration can name them on every database."""


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _word(name: str, *, unique: bool = False) -> Column[str]:
    return Column(name, String, nullable=False, unique=unique)


def _of(table: str, name: str) -> Column[int]:
    return Column(name, Integer, ForeignKey(f"{table}.id"), nullable=False)


HARDWARE = Table(
    "hardware",
    METADATA,
    _id(),
    _word("digest", unique=True),
    _word("platform"),
    _word("name"),
    Column("count", Integer, nullable=False),
    Column("memory_gib", Integer),
    Column("compute_capability", String),
)
"""One kind of machine."""

SOFTWARE = Table(
    "software",
    METADATA,
    _id(),
    _word("digest", unique=True),
    Column("versions", JSON, nullable=False),
)
"""One set of versions and settings; runs of many nights have the same."""

RUNS = Table(
    "runs",
    METADATA,
    _id(),
    _word("digest", unique=True),
    Column("at_s", BigInteger, nullable=False, index=True),
    _word("commit"),
    _word("suite"),
    _of("hardware", "hardware_id"),
    _of("software", "software_id"),
)
"""One run file, which is one replicate.

``digest`` is the record's run_id, over its date, commit and numbers, so that a copy under another name has the same;
``at_s`` is when it was measured, in seconds since 1970, UTC.
"""

CASES = Table(
    "cases",
    METADATA,
    _id(),
    _word("model"),
    _word("variant"),
    _word("shape"),
    UniqueConstraint("model", "variant", "shape"),
)

SERIES = Table(
    "series",
    METADATA,
    _id(),
    _of("hardware", "hardware_id"),
    _of("cases", "case_id"),
    _word("metric"),
    UniqueConstraint("hardware_id", "case_id", "metric"),
)
"""One metric of one case on one hardware."""

MEASUREMENTS = Table(
    "measurements",
    METADATA,
    _of("series", "series_id"),
    _of("runs", "run_id"),
    Column("value", Double, nullable=False),
    Column("relative_error", Double),
    PrimaryKeyConstraint("series_id", "run_id"),
    sqlite_with_rowid=False,
)
"""One number: a speedup as a factor, else in the unit that the metric's name ends with (times: seconds).

``relative_error`` is its standard error within the replicate over the value; null where it isn't known.
"""

VERDICTS = Table(
    "verdicts",
    METADATA,
    _of("cases", "case_id"),
    _of("runs", "run_id"),
    _word("verdict"),
    PrimaryKeyConstraint("case_id", "run_id"),
    sqlite_with_rowid=False,
)
"""What the judge said of a case of a run, where it was asked."""
