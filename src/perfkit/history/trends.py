"""When series changed: steps and drifts, each with the commits around it and the software that changed there."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
import sqlalchemy as sa

from perfkit.history.metrics import more_is_better
from perfkit.history.segments import Change, changes_by_series
from perfkit.history.series import RunFacts, Series, numbers_of, runs_since, software_of
from perfkit.record.schema import Model

_ABSENT = "absent"


class Kind(StrEnum):
    """How a series changed."""

    STEP = "step"
    """From one night to the next."""
    DRIFT = "drift"
    """So slowly that no night showed it."""


class SoftwareChange(Model):
    """A version or setting that differs."""

    what: str
    before: str
    after: str


class Trend(Model):
    """One change of one series.

    A step lies between the last night before it and the first night after it, a drift stretches from one to the other.
    """

    kind: Kind
    model: str
    variant: str
    shape: str
    metric: str
    hardware: str
    before: str
    """The date of the last night before, of a drift its first."""
    date: str
    """The date of the first night of the new level, of a drift its last."""
    good: str
    """The commit of the night before."""
    bad: str
    """The commit of the night after."""
    change_pct: float
    """Of the metric's value: -10 is a speedup that fell from 2x to 1.8x, or a time that got shorter by a tenth."""
    worse: bool
    software: tuple[SoftwareChange, ...]

    @property
    def case(self) -> str:
        """MODEL/VARIANT/SHAPE."""
        return "/".join(part for part in (self.model, self.variant, self.shape) if part)


def find_trends(connection: sa.Connection, series: Sequence[Series], since_s: int | None) -> list[Trend]:
    """Every change of some series from a moment on, oldest first."""
    runs = runs_since(connection, since_s)
    nights = _Nights(runs)
    ids, places, values = numbers_of(connection, series, runs)
    if not len(ids):
        return []
    software = software_of(connection, (run.software_id for run in runs.values()))
    found = changes_by_series(ids, np.array(nights.of)[places], values)
    by_id = {one.id: one for one in series}
    trends = [
        nights.trend(by_id[identity], change, software) for identity, changes in found.items() for change in changes
    ]
    return sorted(trends, key=lambda trend: (trend.date, trend.case, trend.metric))


class _Nights:
    """Runs of one UTC date and one commit are one night: replicates, whose mean counts."""

    def __init__(self, runs: Mapping[int, RunFacts]) -> None:
        self._last: list[RunFacts] = []
        self.of: list[int] = []
        numbers: dict[tuple[str, str, int], int] = {}
        for run in runs.values():
            key = _day(run), run.commit, run.software_id
            if key not in numbers:
                numbers[key] = len(self._last)
                self._last.append(run)
            self.of.append(numbers[key])

    def trend(self, series: Series, change: Change, software: Mapping[int, Mapping[str, str]]) -> Trend:
        """What was found, in words of the history."""
        before, after = self._last[change.before], self._last[change.after]
        change_pct = 100 * math.expm1(change.size)
        return Trend(
            kind=Kind(change.kind),
            **series.case._asdict(),
            metric=series.metric,
            hardware=series.hardware,
            before=_day(before),
            date=_day(after),
            good=before.commit,
            bad=after.commit,
            change_pct=change_pct,
            worse=(change_pct < 0) == more_is_better(series.metric),
            software=_differences(software[before.software_id], software[after.software_id]),
        )


def _day(run: RunFacts) -> str:
    return dt.datetime.fromtimestamp(run.at_s, dt.UTC).date().isoformat()


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[SoftwareChange, ...]:
    return tuple(
        SoftwareChange(what=name, before=before.get(name, _ABSENT), after=after.get(name, _ABSENT))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )
