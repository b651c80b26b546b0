"""What the history knows speaks for or against a promotion: earlier and later runs, as data."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from perfkit.judge.metric import Clock, time_of
from perfkit.judge.rule import TOLERANCE
from perfkit.judge.verdict import Verdict
from perfkit.record.dates import moment
from perfkit.record.replicate import distinct

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.verdict import Row
    from perfkit.record.replicate import Run, Sample

_ENOUGH_RUNS = 3
"""Fewer tell no level."""
_NEAR_RUNS = 10
"""Of each case so many runs before, or so many of the newest, are its level there."""
_SINCE = 2
"""So many later runs can deny a gain; one may be a slow night."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that the history has: seconds of the cases that are to be promoted, by their own clock."""

    run_id: str
    at: dt.datetime
    times_s: Mapping[CaseId, float]


def own_time_s(sample: Sample) -> float:
    """By the device's clock where it has one, else by the wall's."""
    return (sample.device or sample.wall).variant_s


def outliers(past: Sequence[PastRun], runs: Sequence[Run], from_baseline_pct: float | None) -> Iterator[str]:
    """Runs whose times all lie elsewhere than those of the runs before them.

    A level that the reviewed baseline has, too, is none: `from_baseline_pct` is the distance from it, None where it has
    too few of the cases to say.
    """
    for run in runs:
        far = TOLERANCE[run.replicate.platform]
        if from_baseline_pct is not None and abs(math.log1p(from_baseline_pct / 100)) <= far:
            continue
        before = _before(past, run)
        typical = _distance(run.replicate.sound, before)
        if typical is not None and abs(typical) > far:
            told = f"its times lie {100 * math.expm1(typical):+.1f}% from those of the runs before it in the history"
            yield f"{run.source}: an outlier, {told} ({len(before)} runs, median over cases)"


def stale(past: Sequence[PastRun], runs: Iterable[Run], older_than_days: int) -> Iterator[str]:
    """Runs much older than the newest one of the history, with their age and how far its level is."""
    if not past:
        return
    newest = max(one.at for one in past)
    for run in runs:
        when = moment(run.replicate.datetime)
        age_days = (newest - when).days if when is not None else 0
        if age_days > older_than_days:
            later = sorted((one for one in past if one.at > newest - (newest - when) / 2), key=_at) if when else []
            typical = _distance(run.replicate.sound, later[-_NEAR_RUNS:], enough=1)
            told = f"a stale level, {age_days} days older than the newest run in the history"
            if typical is not None:
                told += f" and {100 * math.expm1(typical):+.1f}% from its level (times, median over cases)"
            yield f"{run.source}: {told}"


def confirmed_gains(past: Iterable[PastRun], rows: Iterable[Row], since: dt.datetime | None) -> set[CaseId]:
    """Cases whose gain a run of the history shows as well, measured after `since`: the newest of the baseline."""
    later = [one for one in past if since is not None and one.at > since]
    found = set()
    for row in rows:
        levels = _levels(row) if row.verdict is Verdict.IMPROVED else None
        if levels is not None and any(_is_new(one.times_s.get(row.case), *levels) for one in later):
            found.add(row.case)
    return found


def denied_gains(past: Sequence[PastRun], rows: Iterable[Row], runs: Sequence[Run]) -> Iterator[str]:
    """Cases that IMPROVED, and of which the runs since have lost the gain again."""
    moments = [when for run in runs if (when := moment(run.replicate.datetime)) is not None]
    later = [one for one in past if moments and one.at > max(moments)]
    for row in rows:
        levels = _levels(row) if row.verdict is Verdict.IMPROVED else None
        times_s = [one.times_s[row.case] for one in later if row.case in one.times_s]
        if levels is not None and len(times_s) >= _SINCE and not _is_new(median(times_s), *levels):
            yield f"{row.case}: an unconfirmed gain, the {len(times_s)} runs since in the history have lost it"


def lucky_firsts(past: Sequence[PastRun], rows: Iterable[Row], runs: Sequence[Run], processes: int) -> Iterator[str]:
    """Cases that the baseline lacks, much faster than in the history before, shown by fewer processes than needed."""
    shown = processes_of(runs)
    new = {row.case for row in rows if row.verdict is Verdict.NEW and shown[row.case] < processes}
    for run in runs:
        before = _typical(_before(past, run), _ENOUGH_RUNS)
        for sample in run.replicate.sound:
            if sample.case in new and sample.case in before:
                gain = math.log(before[sample.case] / own_time_s(sample))
                if gain > TOLERANCE[run.replicate.platform]:
                    told = f"{100 * math.expm1(-gain):+.1f}% from the time that the history has of it"
                    yield f"{sample.case}: an unconfirmed gain, {told}: promote {processes} processes that show it"


def processes_of(runs: Iterable[Run]) -> Counter[CaseId]:
    """How many processes have measured each case soundly."""
    return Counter(sample.case for run in distinct(runs) for sample in run.replicate.sound)


def _at(run: PastRun) -> dt.datetime:
    return run.at


def _before(past: Iterable[PastRun], run: Run) -> list[PastRun]:
    when = moment(run.replicate.datetime)
    return sorted((one for one in past if when is not None and one.at < when), key=_at)[-_NEAR_RUNS:]


def _typical(past: Iterable[PastRun], enough: int) -> dict[CaseId, float]:
    times_s: dict[CaseId, list[float]] = {}
    for one in past:
        for case, time_s in one.times_s.items():
            times_s.setdefault(case, []).append(time_s)
    return {case: median(found) for case, found in times_s.items() if len(found) >= enough}


def _distance(samples: Collection[Sample], past: Iterable[PastRun], enough: int = _ENOUGH_RUNS) -> float | None:
    """How far a run lies from a level, on the log scale, median over cases; None where half of them have none."""
    level = _typical(past, enough)
    apart = [math.log(own_time_s(sample) / level[sample.case]) for sample in samples if sample.case in level]
    return median(apart) if apart and 2 * len(apart) >= len(samples) else None


def _levels(row: Row) -> tuple[float, float] | None:
    """Seconds before and now of a compared row, by the clock that decides it."""
    metric = row.metric(time_of(row.deciding.clock if row.deciding is not None else Clock.WALL))
    if metric is None or metric.baseline is None or metric.current is None:
        return None
    return metric.baseline, metric.current


def _is_new(time_s: float | None, before_s: float, now_s: float) -> bool:
    """Whether a time has at least half of what the level gained."""
    return time_s is not None and math.log(before_s / time_s) >= math.log(before_s / now_s) / 2
