"""Asking the history: which series there are, and their points through the years."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError
from perfkit.history.metrics import DECIDING, is_asked_for
from perfkit.history.tables import CASES, HARDWARE, MEASUREMENTS, RUNS, SERIES, SOFTWARE, VERDICTS
from perfkit.record.hardware import describe_hardware
from perfkit.record.replicate import short_commit
from perfkit.record.schema import Hardware

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

_IDS_A_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one case on one hardware."""

    id: int
    case_id: int
    case: CaseId
    metric: str
    hardware: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run says of itself."""

    at_s: int
    commit: str
    digest: str
    software_id: int

    @property
    def date(self) -> str:
        """When it was measured, in UTC: ``2026-11-25T02:14:09+00:00``."""
        return dt.datetime.fromtimestamp(self.at_s, dt.UTC).isoformat()

    @property
    def day(self) -> str:
        """The day alone: ``2026-11-25``."""
        return dt.datetime.fromtimestamp(self.at_s, dt.UTC).date().isoformat()

    @property
    def short_commit(self) -> str:
        """The commit as people read it."""
        return short_commit(self.commit)


class Point(NamedTuple):
    """One replicate's number; `relative_error` is its standard error within the replicate over the value."""

    run: RunFacts
    value: float
    relative_error: float | None
    verdict: str | None
    """None where the judge wasn't asked."""


@dataclass(frozen=True, slots=True)
class Through:
    """A series through time: its points by their dates, one at least."""

    series: Series
    points: Sequence[Point]


def find_series(connection: sa.Connection, glob: str, metric: str | None) -> list[Series]:
    """The series of the cases that a glob names, in the order of cases; by `metric`, None: what decides for each.

    The name of a device metric means its series of every way of taking it, that of a user's metric all of its units.
    Raises UserError where there is no such case or metric.
    """
    columns = (
        SERIES.c.id,
        SERIES.c.metric,
        CASES.c.id.label("case_id"),
        CASES.c.model,
        CASES.c.variant,
        CASES.c.shape,
        SERIES.c.hardware_id,
    )
    rows = connection.execute(sa.select(*columns).join(CASES, SERIES.c.case_id == CASES.c.id)).all()
    cases = {row.case_id: CaseId(row.model, row.variant, row.shape) for row in rows}
    named = {identity for identity, case in cases.items() if case.fits(glob)}
    if not named:
        raise UserError(_no_case(glob, [str(case) for case in cases.values()]))
    hardware = hardware_of(connection)
    found = [
        Series(row.id, row.case_id, cases[row.case_id], row.metric, describe_hardware(hardware[row.hardware_id]))
        for row in rows
        if row.case_id in named
    ]
    chosen = _deciding(found) if metric is None else [series for series in found if is_asked_for(series.metric, metric)]
    if not chosen:
        known = ", ".join(sorted({series.metric for series in found}))
        raise UserError(f"{glob}: the history has no {metric!r} of it; there are: {known}")
    return sorted(chosen, key=lambda series: (series.case, series.hardware, series.metric))


def runs_since(connection: sa.Connection, since_s: int | None) -> dict[int, RunFacts]:
    """The runs by their ids, from a moment on, in the order of their dates."""
    asked = sa.select(RUNS.c.id, RUNS.c.at_s, RUNS.c.commit, RUNS.c.digest, RUNS.c.software_id)
    if since_s is not None:
        asked = asked.where(RUNS.c.at_s >= since_s)
    ordered = asked.order_by(RUNS.c.at_s, RUNS.c.digest)
    return {identity: RunFacts(*facts) for identity, *facts in connection.execute(ordered)}


def numbers_of(
    connection: sa.Connection, series: Sequence[Series], runs: Mapping[int, RunFacts]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Series ids, places of runs in `runs`, and values of all measurements there: three columns, by series and place.

    For half a million at once, which take a fraction of a second; see histories_of for few.
    """
    import numpy as np

    ids, run_ids, values = [np.empty(0, int)], [np.empty(0, int)], [np.empty(0)]
    for some in batches(series):
        for series_id, of_runs, of_values in _packed(connection, [one.id for one in some], min(runs, default=0)):
            ids.append(np.full(len(of_runs), series_id))
            run_ids.append(np.array(of_runs))
            values.append(np.array(of_values))
    # By run id, so that a column of ids becomes one of places at once; -1 for runs that weren't asked for.
    places = np.full(max(runs, default=0) + 2, -1)
    places[list(runs)] = np.arange(len(runs))
    place = places[np.minimum(np.concatenate(run_ids), len(places) - 1)]
    order = np.lexsort((place, identity := np.concatenate(ids)))
    order = order[place[order] >= 0]
    return identity[order], place[order], np.concatenate(values)[order]


def _packed(
    connection: sa.Connection, ids: list[int], first: int
) -> Iterator[tuple[int, Sequence[int], Sequence[float]]]:
    """Each series with its run ids and values; packed by the database, which takes a third of the time of rows.

    SQLite packs as JSON, with 15 digits.
    """
    table, is_sqlite = MEASUREMENTS.c, connection.dialect.name == "sqlite"
    pack = sa.func.json_group_array if is_sqlite else sa.func.array_agg
    asked = (
        sa.select(table.series_id, pack(table.run_id), pack(table.value))
        .where(table.series_id.in_(ids), table.run_id >= first)
        .group_by(table.series_id)
    )
    for series_id, of_runs, of_values in connection.execute(asked):
        yield series_id, *((json.loads(of_runs), json.loads(of_values)) if is_sqlite else (of_runs, of_values))


def histories_of(connection: sa.Connection, series: Sequence[Series], runs: Mapping[int, RunFacts]) -> list[Through]:
    """All that the history has of some series in some runs; a series that has nothing there is left out."""
    if not runs:
        return []
    first = min(runs)
    points: dict[int, list[Point]] = {one.id: [] for one in series}
    for some in batches(series):
        verdicts = _verdicts(connection, [one.case_id for one in some], first)
        cases = {one.id: one.case_id for one in some}
        asked = sa.select(
            MEASUREMENTS.c.series_id, MEASUREMENTS.c.run_id, MEASUREMENTS.c.value, MEASUREMENTS.c.relative_error
        ).where(MEASUREMENTS.c.series_id.in_(cases), MEASUREMENTS.c.run_id >= first)
        for series_id, run_id, value, error in connection.execute(asked):
            if run_id in runs:
                verdict = verdicts.get((cases[series_id], run_id))
                points[series_id].append(Point(runs[run_id], value, error, verdict))
    for found in points.values():
        found.sort(key=_moment)
    return [Through(one, points[one.id]) for one in series if points[one.id]]


def _moment(point: Point) -> tuple[int, str]:
    return point.run.at_s, point.run.digest


def _verdicts(connection: sa.Connection, cases: Sequence[int], first: int) -> dict[tuple[int, int], str]:
    asked = sa.select(VERDICTS.c.case_id, VERDICTS.c.run_id, VERDICTS.c.verdict).where(
        VERDICTS.c.case_id.in_(cases), VERDICTS.c.run_id >= first
    )
    return {(case_id, run_id): verdict for case_id, run_id, verdict in connection.execute(asked)}


def batches(series: Sequence[Series]) -> Iterator[Sequence[Series]]:
    """Databases limit how many values a statement may have."""
    for start in range(0, len(series), _IDS_A_STATEMENT):
        yield series[start : start + _IDS_A_STATEMENT]


def software_of(connection: sa.Connection, ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Versions and settings by the ids that runs name."""
    asked = sa.select(SOFTWARE.c.id, SOFTWARE.c.versions).where(SOFTWARE.c.id.in_(set(ids)))
    return {row.id: row.versions for row in connection.execute(asked)}


def hardware_of(connection: sa.Connection) -> dict[int, Hardware]:
    """Every kind of machine that the history has runs of, by its id."""
    rows = connection.execute(sa.select(*HARDWARE.c)).mappings()
    return {row["id"]: Hardware(**{name: row[name] for name in Hardware.model_fields}) for row in rows}


def _deciding(series: Iterable[Series]) -> list[Series]:
    best: dict[tuple[CaseId, str], Series] = {}
    ranks: dict[str, int] = {str(metric): rank for rank, metric in enumerate(DECIDING)}
    for one in series:
        key = one.case, one.hardware
        if one.metric in ranks and (key not in best or ranks[one.metric] < ranks[best[key].metric]):
            best[key] = one
    return list(best.values())


def _no_case(glob: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(glob, known, n=1)
    there = f"did you mean {near[0]}?" if near else f"it has {len(known)}" + (f", such as {known[0]}" if known else "")
    return f"{glob}: the history has no such case (MODEL/VARIANT/SHAPE, or a glob); {there}"
