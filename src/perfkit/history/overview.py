"""All series at once, night by night, for a report of the whole history: levels, changes, and what tonight brought."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from perfkit.history.series import batches
from perfkit.history.tables import MEASUREMENTS, RUNS, SERIES, VERDICTS
from perfkit.history.trends import read_nightly, trends_of
from perfkit.judge.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfkit.history.series import RunFacts, Series
    from perfkit.history.trends import Nightly, Nights, Trend

_DAY_S = 24 * 60 * 60


class State(StrEnum):
    """What there is to say of a series; the order is that of a report."""

    WORSE = "got worse"
    """By its newest step or drift."""
    BETTER = "got better"
    NEW = "new"
    """Its case was measured in the newest night of its hardware for the first time."""
    STEADY = "steady"


@dataclass(frozen=True, slots=True)
class SeriesThrough:
    """One series: its nights, as places in the overview's, the mean of each, and what happened to it."""

    series: Series
    nights: Sequence[int]
    values: Sequence[float]
    trends: Sequence[Trend]
    """Oldest first."""
    failing: Mapping[int, Verdict]
    """The nights in which its case was judged to fail, by their places."""
    is_new: bool
    has_turned: bool
    """Its case fails in the newest night of its hardware, and didn't in the night before."""

    @property
    def state(self) -> State:
        """The newest of its changes, else whether it is new."""
        if self.trends:
            return State.WORSE if self.trends[-1].worse else State.BETTER
        return State.NEW if self.is_new else State.STEADY


@dataclass(frozen=True, slots=True)
class Overview:
    """Nights in their order; series that need a look first."""

    nights: Sequence[RunFacts]
    series: Sequence[SeriesThrough]

    @property
    def trends(self) -> list[Trend]:
        """Every change of every series, newest first."""
        found = [trend for one in self.series for trend in one.trends]
        return sorted(found, key=lambda trend: (trend.date, trend.worse), reverse=True)


def read_overview(connection: sa.Connection, series: Sequence[Series], since_s: int | None) -> Overview:
    """What the history has of some series from a moment on; one that has nothing there is left out."""
    nightly = read_nightly(connection, series, since_s)
    columns = _by_series(nightly)
    known = [one for one in series if one.id in columns]
    trends: dict[tuple[str, str, str], list[Trend]] = {}
    for trend in trends_of(connection, known, nightly):
        trends.setdefault((trend.case, trend.metric, trend.hardware), []).append(trend)
    # What is new is told by its own machine's night.
    newest: dict[str, int] = {}
    for one in known:
        newest[one.hardware] = max(newest.get(one.hardware, 0), columns[one.id][0][-1])
    begun = [one for one in known if columns[one.id][0] == [newest[one.hardware]]]
    new = _new_cases(connection, begun, {name: _day_s(nightly.nights.first[night]) for name, night in newest.items()})
    verdicts = _failing(connection, {one.case_id for one in known}, nightly.nights)
    found = []
    for one in known:
        nights, values = columns[one.id]
        failing = {night: verdicts[one.case_id, night] for night in nights if (one.case_id, night) in verdicts}
        found.append(
            SeriesThrough(
                series=one,
                nights=nights,
                values=values,
                trends=trends.get((str(one.case), one.metric, one.hardware), ()),
                failing=failing,
                is_new=(one.case_id, one.hardware) in new,
                has_turned=_has_turned(nights, failing, newest[one.hardware]),
            )
        )
    return Overview(nightly.nights.first, sorted(found, key=_order))


def _by_series(nightly: Nightly) -> dict[int, tuple[list[int], list[float]]]:
    if not len(nightly.ids):
        return {}
    bounds = np.flatnonzero(np.r_[True, np.diff(nightly.ids) != 0, True])
    return {
        int(nightly.ids[start]): (nightly.night[start:end].tolist(), nightly.means[start:end].tolist())
        for start, end in pairwise(bounds)
    }


def _new_cases(
    connection: sa.Connection, begun: Sequence[Series], tonight_s: Mapping[str, int]
) -> set[tuple[int, str]]:
    """Of series that begin tonight the cases that no metric has on that hardware from before tonight's day.

    Where all that the hardware has is of that day, nothing is new.
    """
    first_s: dict[int, int] = {}
    machine_s: dict[int, int] = {}
    own, known = SERIES.alias(), SERIES.alias()
    for some in batches(begun):
        first = sa.select(own.c.id, sa.func.min(RUNS.c.at_s)).where(own.c.id.in_([one.id for one in some]))
        of_case = (
            first.join(known, (known.c.case_id == own.c.case_id) & (known.c.hardware_id == own.c.hardware_id))
            .join(MEASUREMENTS, MEASUREMENTS.c.series_id == known.c.id)
            .join(RUNS, RUNS.c.id == MEASUREMENTS.c.run_id)
        )
        of_machine = first.join(RUNS, RUNS.c.hardware_id == own.c.hardware_id)
        for asked, found in ((of_case, first_s), (of_machine, machine_s)):
            found.update((identity, at_s) for identity, at_s in connection.execute(asked.group_by(own.c.id)))
    return {
        (one.case_id, one.hardware) for one in begun if machine_s[one.id] < tonight_s[one.hardware] <= first_s[one.id]
    }


def _failing(connection: sa.Connection, cases: set[int], nights: Nights) -> dict[tuple[int, int], Verdict]:
    """By case and night the worst word of those that fail a run."""
    asked = sa.select(VERDICTS.c.case_id, VERDICTS.c.run_id, VERDICTS.c.verdict).where(
        VERDICTS.c.verdict.in_([str(verdict) for verdict in Verdict if verdict.fails])
    )
    worst: dict[tuple[int, int], Verdict] = {}
    for case_id, run_id, word in connection.execute(asked):
        if case_id in cases and run_id in nights.by_id:
            key, verdict = (case_id, nights.by_id[run_id]), Verdict(word)
            worst[key] = min(worst.get(key, verdict), verdict, key=lambda each: each.rank)
    return worst


def _day_s(run: RunFacts) -> int:
    return run.at_s - run.at_s % _DAY_S


def _has_turned(nights: Sequence[int], failing: Mapping[int, Verdict], newest: int) -> bool:
    before = nights[-2] if len(nights) > 1 else None
    return nights[-1] == newest and newest in failing and before not in failing


def _order(one: SeriesThrough) -> tuple[object, ...]:
    """Those that fail tonight first, then by state, the newest change first."""
    newest_first = [-ord(char) for char in one.trends[-1].date] if one.trends else []
    return not one.has_turned, list(State).index(one.state), newest_first, one.series.case, one.series.metric
