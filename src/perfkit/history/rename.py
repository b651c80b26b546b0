"""A case that is called otherwise from now on keeps its history: its series go on under the new name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError
from perfkit.history.tables import CASES, MEASUREMENTS, SERIES, VERDICTS

if TYPE_CHECKING:
    from perfkit.catalog.renaming import Renaming


def rename(connection: sa.Connection, renaming: Renaming) -> dict[CaseId, CaseId]:
    """Rename cases and say which; one that has the new name already becomes the same case.

    Raises UserError where one run has measured both: then they are two cases, and nothing is changed.
    """
    rows = connection.execute(sa.select(CASES.c.id, CASES.c.model, CASES.c.variant, CASES.c.shape)).all()
    ids = {CaseId(model, variant, shape): identity for identity, model, variant, shape in rows}
    names = {case: renaming(case) for case in sorted(ids) if renaming(case) != case}
    for old, new in names.items():
        if new not in ids:
            connection.execute(sa.update(CASES).where(CASES.c.id == ids[old]).values(**new._asdict()))
            ids[new] = ids.pop(old)
            continue
        _refuse_two(connection, ids, old, new)
        for hardware_id, metric, series_id in _series(connection, ids[old]):
            _move_series(connection, series_id, ids[new], hardware_id, metric)
        connection.execute(sa.update(VERDICTS).where(VERDICTS.c.case_id == ids[old]).values(case_id=ids[new]))
        connection.execute(sa.delete(CASES).where(CASES.c.id == ids.pop(old)))
    return names


def _refuse_two(connection: sa.Connection, ids: dict[CaseId, int], old: CaseId, new: CaseId) -> None:
    both = connection.execute(sa.intersect(_runs_with(ids[old]), _runs_with(ids[new]))).first()
    if both is not None:
        raise UserError(f"one run has measured both {old} and {new}: they are two cases")


def _runs_with(case_id: int) -> sa.Select[tuple[int]]:
    measured = sa.select(MEASUREMENTS.c.run_id).join(SERIES, MEASUREMENTS.c.series_id == SERIES.c.id)
    judged = sa.select(VERDICTS.c.run_id).where(VERDICTS.c.case_id == case_id)
    either = sa.union(measured.where(SERIES.c.case_id == case_id), judged).subquery()
    return sa.select(either.c.run_id)


def _series(connection: sa.Connection, case_id: int) -> list[tuple[int, str, int]]:
    query = sa.select(SERIES.c.hardware_id, SERIES.c.metric, SERIES.c.id).where(SERIES.c.case_id == case_id)
    return [(hardware_id, metric, identity) for hardware_id, metric, identity in connection.execute(query)]


def _move_series(connection: sa.Connection, series_id: int, case_id: int, hardware_id: int, metric: str) -> None:
    there = sa.select(SERIES.c.id).where(
        SERIES.c.case_id == case_id, SERIES.c.hardware_id == hardware_id, SERIES.c.metric == metric
    )
    target = connection.execute(there).scalar()
    if target is None:
        connection.execute(sa.update(SERIES).where(SERIES.c.id == series_id).values(case_id=case_id))
        return
    moved = sa.update(MEASUREMENTS).where(MEASUREMENTS.c.series_id == series_id).values(series_id=target)
    connection.execute(moved)
    connection.execute(sa.delete(SERIES).where(SERIES.c.id == series_id))
