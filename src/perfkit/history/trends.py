"""When series changed: steps and drifts, each with the commits around it and the software that changed there."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from perfkit.history.metrics import has_ratio, more_is_better
from perfkit.history.segments import Change, changes_by_series, nightly_means
from perfkit.history.series import RunFacts, Series, numbers_of, runs_since, software_of
from perfkit.record.model import Model
from perfkit.record.replicate import differences


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
    change_pct: float | None
    """Of the metric's value: -10 is a speedup that fell from 2x to 1.8x, or a time that got shorter by a tenth.

    None where there is no ratio, of dB and of a count that was none: then there are both levels.
    """
    level_before: float | None = None
    level_after: float | None = None
    worse: bool
    software: tuple[SoftwareChange, ...]

    @property
    def case(self) -> str:
        """MODEL/VARIANT/SHAPE."""
        return "/".join(part for part in (self.model, self.variant, self.shape) if part)


class Nights:
    """Runs of one UTC date, one commit and one set of versions are one night: replicates, whose mean counts.

    ``first`` has each night's first run; ``of`` says for each run, by its place, which night it is of,
    ``by_id`` by its id.
    """

    def __init__(self, runs: Mapping[int, RunFacts]) -> None:
        self.first: list[RunFacts] = []
        self.of: list[int] = []
        numbers: dict[tuple[str, str, int], int] = {}
        for run in runs.values():
            key = run.day, run.commit, run.software_id
            if key not in numbers:
                numbers[key] = len(self.first)
                self.first.append(run)
            self.of.append(numbers[key])
        self.by_id = dict(zip(runs, self.of, strict=True))

    def trend(self, series: Series, change: Change, software: Mapping[int, Mapping[str, str]]) -> Trend:
        """What was found, in words of the history."""
        before, after = self.first[change.before], self.first[change.after]
        level_before, level_after = change.levels or (None, None)
        return Trend(
            kind=Kind(change.kind),
            **series.case._asdict(),
            metric=series.metric,
            hardware=series.hardware,
            before=before.day,
            date=after.day,
            good=before.commit,
            bad=after.commit,
            change_pct=100 * math.expm1(change.size) if change.levels is None else None,
            level_before=level_before,
            level_after=level_after,
            worse=(change.size < 0) == more_is_better(series.metric),
            software=tuple(
                SoftwareChange(what=name, before=old, after=new)
                for name, old, new in differences(software[before.software_id], software[after.software_id])
            ),
        )


@dataclass(frozen=True, slots=True)
class Nightly:
    """Some series night by night: three columns, by series and night; `night` counts the nights of `nights`."""

    nights: Nights
    ids: NDArray[np.int64]
    night: NDArray[np.int64]
    means: NDArray[np.float64]


def read_nightly(connection: sa.Connection, series: Sequence[Series], since_s: int | None) -> Nightly:
    """All numbers of some series from a moment on, replicates of one night as their mean."""
    runs = runs_since(connection, since_s)
    nights = Nights(runs)
    ids, places, values = numbers_of(connection, series, runs)
    if len(ids):
        ids, places, values = nightly_means(ids, np.array(nights.of)[places], values)
    return Nightly(nights, ids, places, values)


def find_trends(connection: sa.Connection, series: Sequence[Series], since_s: int | None) -> list[Trend]:
    """Every change of some series from a moment on, oldest first."""
    return trends_of(connection, series, read_nightly(connection, series, since_s))


def trends_of(connection: sa.Connection, series: Sequence[Series], nightly: Nightly) -> list[Trend]:
    """Every change in what was read, oldest first."""
    if not len(nightly.ids):
        return []
    nights = nightly.nights
    software = software_of(connection, (run.software_id for run in nights.first))
    by_id = {one.id: one for one in series}
    by_difference = {one.id for one in series if not has_ratio(one.metric)}
    found = changes_by_series(nightly.ids, nightly.night, nightly.means, by_difference)
    trends = [
        nights.trend(by_id[identity], change, software) for identity, changes in found.items() for change in changes
    ]
    return sorted(trends, key=lambda trend: (trend.date, trend.case, trend.metric))
