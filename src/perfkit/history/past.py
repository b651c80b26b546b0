"""What the history has beside runs that are to be promoted: the runs right before them, and the newest."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import sqlalchemy as sa

from perfkit.catalog.case import CaseId
from perfkit.history.database import open_existing_history
from perfkit.history.metrics import taken_by
from perfkit.history.series import hardware_of
from perfkit.history.tables import CASES, MEASUREMENTS, RUNS, SERIES
from perfkit.judge.metric import Metric
from perfkit.judge.past import PastRun
from perfkit.record.dates import moment
from perfkit.record.hardware import same_hardware

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from perfkit.record.replicate import Run, Sample

_RUNS = 30
"""So many before, and so many of the newest; repeats of single cases are runs, too."""
_SERIES_A_STATEMENT = 500


def asked(runs: Sequence[Run], results: Path) -> list[PastRun]:
    """What :func:`past_runs` finds in the history that a run would be added to.

    Raises UserError where there is none or it can't be read.
    """
    with open_existing_history(results) as history, history.reading() as connection:
        return past_runs(connection, runs)


def past_runs(connection: sa.Connection, runs: Sequence[Run]) -> list[PastRun]:
    """Other runs of the same hardware with times of the same cases, taken in the same way, by their dates."""
    wanted = {sample.case: _time_metric(sample) for run in runs for sample in run.replicate.sound}
    moments = [when for run in runs if (when := moment(run.replicate.datetime)) is not None]
    hardware = [key for key, one in hardware_of(connection).items() if same_hardware(one, runs[0].hardware)]
    if not moments or not hardware:
        return []
    series = _series(connection, wanted, hardware)
    found: dict[int, PastRun] = {}
    own = {run.replicate.run_id for run in runs}
    for until in (int(min(moments).timestamp()), int(max(moments).timestamp()), None):
        found |= _runs(connection, hardware, own, until)
    times_s: dict[int, dict[CaseId, float]] = {identity: {} for identity in found}
    identities = list(series)
    for start in range(0, len(identities), _SERIES_A_STATEMENT):
        query = sa.select(MEASUREMENTS.c.series_id, MEASUREMENTS.c.run_id, MEASUREMENTS.c.value).where(
            MEASUREMENTS.c.series_id.in_(identities[start : start + _SERIES_A_STATEMENT]),
            MEASUREMENTS.c.run_id.in_(found),
        )
        for series_id, run_id, value in connection.execute(query):
            times_s[run_id][series[series_id]] = value
    measured = [PastRun(run.run_id, run.at, times_s[key]) for key, run in found.items() if times_s[key]]
    return sorted(measured, key=lambda run: (run.at, run.run_id))


def _time_metric(sample: Sample) -> str:
    if sample.device is None:
        return str(Metric.WALL_TIME)
    return taken_by(Metric.DEVICE_TIME, sample.device_by)


def _series(connection: sa.Connection, wanted: dict[CaseId, str], hardware: Collection[int]) -> dict[int, CaseId]:
    query = (
        sa.select(SERIES.c.id, SERIES.c.metric, CASES.c.model, CASES.c.variant, CASES.c.shape)
        .join(CASES, SERIES.c.case_id == CASES.c.id)
        .where(SERIES.c.hardware_id.in_(hardware), SERIES.c.metric.in_(set(wanted.values())))
    )
    rows = ((row.id, row.metric, CaseId(row.model, row.variant, row.shape)) for row in connection.execute(query))
    return {identity: case for identity, metric, case in rows if wanted.get(case) == metric}


def _runs(
    connection: sa.Connection, hardware: Collection[int], own: Collection[str], until_s: int | None
) -> dict[int, PastRun]:
    query = sa.select(RUNS.c.id, RUNS.c.digest, RUNS.c.at_s).where(
        RUNS.c.hardware_id.in_(hardware), RUNS.c.digest.not_in(own)
    )
    if until_s is not None:
        query = query.where(RUNS.c.at_s <= until_s)
    newest = query.order_by(RUNS.c.at_s.desc()).limit(_RUNS)
    return {
        row.id: PastRun(row.digest, dt.datetime.fromtimestamp(row.at_s, dt.UTC), {})
        for row in connection.execute(newest)
    }
