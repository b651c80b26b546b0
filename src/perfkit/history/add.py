"""Adding runs to the history: each once, whole or not at all, by however many processes at once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from perfkit.errors import UserError
from perfkit.history.keep import why_left_out, why_undated
from perfkit.history.metrics import measured
from perfkit.history.tables import (
    CASES,
    HARDWARE,
    MEASUREMENTS,
    RUNS,
    SERIES,
    SOFTWARE,
    VERDICTS,
)
from perfkit.record.dates import moment

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.history.database import History
    from perfkit.record.replicate import Replicate, Run
    from perfkit.record.schema import Hardware

_T = TypeVar("_T")
RUNS_A_TRANSACTION = 20
"""A night alone is one; a long import pauses after each, so that others get their turn."""
_ROWS_A_STATEMENT = 1000
"""Databases limit how many values a statement may have."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A run, and what the judge said of its cases, where it was asked."""

    run: Run
    verdicts: Mapping[CaseId, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Added:
    """How many runs were new; the others were there already."""

    new: int
    known: int


def add_runs(history: History, entries: Iterable[Entry]) -> Added:
    """Add each run that the history doesn't know; verdicts are added to those that it knows, too.

    Spoiled samples are left out: their times prove nothing.

    Raises UserError for a run whose date can't be read, and for one that is no history (see why_left_out): nothing is
    added that comes in one transaction with it.
    """
    new = known = 0
    for batch in _batches(entries, RUNS_A_TRANSACTION):
        with history.writing() as connection:
            added = _Writer(connection).add(batch)
        new += added
        known += len(batch) - added
    return Added(new, known)


class _Writer:
    """One transaction. Rows are inserted in the order of their keys, table after table in the same order.

    So two processes that insert the same keys wait for each other and never both.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, entries: Sequence[Entry]) -> int:
        """How many of the runs were new."""
        by_digest = {entry.run.replicate.run_id: entry for entry in entries}
        runs = [by_digest[digest].run for digest in sorted(by_digest)]
        hardware = self._ids(HARDWARE, ["digest"], _sorted(_hardware_row(run.hardware) for run in runs))
        software = self._ids(SOFTWARE, ["digest"], _sorted(_software_row(run.replicate) for run in runs))
        cases = self._ids(CASES, ["model", "variant", "shape"], list(_case_rows(by_digest.values())))
        rows = [
            _run_row(run)
            | {
                "hardware_id": hardware[_hardware_row(run.hardware)["digest"],],
                "software_id": software[_software_row(run.replicate)["digest"],],
            }
            for run in runs
        ]
        inserted = self._insert_new(RUNS, ["digest"], rows, RUNS.c.id, RUNS.c.digest)
        new = {digest: identity for identity, digest in inserted}
        self._add_measurements([run for run in runs if run.replicate.run_id in new], new, hardware, cases)
        self._add_verdicts(by_digest, cases)
        return len(new)

    def _add_measurements(
        self,
        runs: Sequence[Run],
        run_ids: Mapping[str, int],
        hardware: Mapping[tuple[Any, ...], int],
        cases: Mapping[tuple[Any, ...], int],
    ) -> None:
        numbers: list[tuple[tuple[int, int, str], int, float, float | None]] = []
        for run in runs:
            hardware_id = hardware[_digest(run.hardware.model_dump(mode="json")),]
            for sample in run.replicate.sound:
                key = hardware_id, cases[sample.case]
                numbers += [
                    ((*key, metric), run_ids[run.replicate.run_id], value, error)
                    for metric, value, error in measured(sample)
                ]
        # Metric by metric, so that what is asked for together lies together.
        wanted = sorted({key for key, *_ in numbers}, key=lambda key: (key[0], key[2], key[1]))
        names = ["hardware_id", "case_id", "metric"]
        series = self._ids(SERIES, names, [dict(zip(names, key, strict=True)) for key in wanted])
        rows = [
            {"series_id": series[key], "run_id": run_id, "value": value, "relative_error": error}
            for key, run_id, value, error in numbers
        ]
        rows.sort(key=lambda row: (row["series_id"], row["run_id"]))
        if rows:
            self._connection.execute(sa.insert(MEASUREMENTS), rows)

    def _add_verdicts(self, entries: Mapping[str, Entry], cases: Mapping[tuple[Any, ...], int]) -> None:
        if not any(entry.verdicts for entry in entries.values()):
            return
        found = sa.select(RUNS.c.digest, RUNS.c.id).where(RUNS.c.digest.in_(entries))
        run_ids = {row.digest: row.id for row in self._connection.execute(found)}
        rows = [
            {"case_id": cases[case], "run_id": run_ids[digest], "verdict": verdict}
            for digest, entry in entries.items()
            for case, verdict in entry.verdicts.items()
        ]
        rows.sort(key=lambda row: (row["case_id"], row["run_id"]))
        self._insert_new(VERDICTS, ["case_id", "run_id"], rows)

    def _ids(self, table: sa.Table, key: list[str], rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], int]:
        """The ids of all rows of a small table by their key, once those that it lacked are inserted."""
        columns = [table.c[name] for name in key]
        everything = sa.select(*columns, table.c.id)
        known = {tuple(row[:-1]): row[-1] for row in self._connection.execute(everything)}
        missing = {tuple(row[name] for name in key): row for row in rows}
        missing = {of: row for of, row in missing.items() if of not in known}
        if not missing:
            return known
        # In the order given for series, else by key; the same for whoever inserts the same.
        self._insert_new(table, key, list(missing.values()))
        return {tuple(row[:-1]): row[-1] for row in self._connection.execute(everything)}

    def _insert_new(self, table: sa.Table, key: list[str], rows: list[dict[str, Any]], *returned: Any) -> list[Any]:
        """Inserts what isn't there by its key; `returned` are the columns told of each inserted row."""
        dialect: Any = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        found: list[Any] = []
        for some in _batches(rows, _ROWS_A_STATEMENT):
            statement = dialect.insert(table).values(some).on_conflict_do_nothing(index_elements=key)
            if returned:
                found += self._connection.execute(statement.returning(*returned)).all()
            else:
                self._connection.execute(statement)
        return found


def _batches(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def _sorted(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["digest"]))


def _case_rows(entries: Iterable[Entry]) -> Iterable[dict[str, str]]:
    cases = {sample.case for entry in entries for sample in entry.run.replicate.sound}
    cases |= {case for entry in entries for case in entry.verdicts}
    return (case._asdict() for case in sorted(cases))


def check_sound(run: Run) -> dt.datetime:
    """When it was. Raises UserError for a run that the history doesn't take."""
    if (why := why_left_out(run)) is not None:
        raise UserError(f"{run.source}: {why}")
    if (when := moment(run.replicate.datetime)) is None:
        raise UserError(f"{run.source}: {why_undated(run)}")
    return when


def _run_row(run: Run) -> dict[str, Any]:
    replicate, when = run.replicate, check_sound(run)
    return {
        "digest": replicate.run_id,
        "at_s": int(when.timestamp()),
        "commit": replicate.commit,
        "suite": replicate.suite,
    }


def _hardware_row(hardware: Hardware) -> dict[str, Any]:
    told = hardware.model_dump(mode="json")
    return {"digest": _digest(told), **told}


def _software_row(replicate: Replicate) -> dict[str, Any]:
    versions = {**replicate.software, **{f"settings.{name}": value for name, value in replicate.settings.items()}}
    return {"digest": _digest(versions), "versions": versions}


def _digest(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
