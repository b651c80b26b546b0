"""Waivers: a regression that somebody accepts by name, up to a size and until a day, is WAIVED and not REGRESSED."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from perfkit.judge.verdict import AppliedWaiver, Verdict
from perfkit.record.dates import moment

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from perfkit.catalog.waivers import Waiver
    from perfkit.judge.verdict import Judgement, MetricRow, Row
    from perfkit.record.replicate import Run


class Standing(StrEnum):
    """What a waiver is good for, by a day and a judgement."""

    USED = "in use"
    EXCEEDED = "exceeded"
    """Its regression has become larger than it allows."""
    UNUSED = "unused"
    EXPIRED = "expired"


def day_of(runs: Sequence[Run]) -> dt.date | None:
    """The day, in UTC, on which the newest replicate was measured; None where none has a date."""
    moments = [found for run in runs if (found := moment(run.replicate.datetime)) is not None]
    return max(moments).date() if moments else None


def with_waiver(row: Row, waivers: Sequence[Waiver], day: dt.date | None, *, worse: Sequence[str]) -> Row:
    """The row as the waivers of its case have it, judged by the day of the run.

    Every metric that regressed needs a waiver that has not expired and allows as much; ``worse`` is what was built or
    answered worse, which no waiver covers. A row that stays REGRESSED says why its waiver didn't help.
    """
    matching = [waiver for waiver in waivers if waiver.matches(row.case)]
    if row.verdict is not Verdict.REGRESSED or not matching:
        return row
    regressed = [metric for metric in row.metrics if metric.verdict is Verdict.REGRESSED]
    if worse or not regressed:
        return _noted(row, f"not waived: a waiver covers times and speedups, not {'; '.join(worse)}")
    applied: list[Waiver] = []
    for metric in regressed:
        found = [waiver for waiver in matching if waiver.covers(metric.metric)]
        live = [waiver for waiver in found if day is not None and not waiver.is_over(day)]
        within = [waiver for waiver in live if _fits(metric, waiver)]
        if not within:
            return _noted(row, _why_not(metric, found, live, day))
        applied.append(within[0])
    first = min(applied, key=lambda waiver: waiver.expires)  # what ends first ends it all
    told = f"waived by {first.owner} until {first.expires}, up to {first.size} ({first.reason})"
    applied_first = AppliedWaiver(
        number=first.number,
        case=first.case,
        metric=first.metric,
        size=str(first.size),
        owner=first.owner,
        reason=first.reason,
        expires=first.expires.isoformat(),
    )
    return row.model_copy(
        update={"verdict": Verdict.WAIVED, "reason": f"{told}: {row.reason}", "waiver": applied_first}
    )


def standings(waivers: Sequence[Waiver], judgement: Judgement, today: dt.date) -> Iterator[tuple[Waiver, Standing]]:
    """What each waiver is good for: ``judgement`` is a run's, ``today`` the day that ends it."""
    for waiver in waivers:
        rows = [row for row in judgement.rows if waiver.matches(row.case) and _regressed_in(row, waiver)]
        if waiver.is_over(today):
            yield waiver, Standing.EXPIRED
        elif not rows:
            yield waiver, Standing.UNUSED
        elif any(not _fits(metric, waiver) for row in rows for metric in _regressed_in(row, waiver)):
            yield waiver, Standing.EXCEEDED
        else:
            yield waiver, Standing.USED


def slower_pct(metric: MetricRow) -> float:
    """By how many percent more time: a speedup that fell from 4x to 3x is a slowdown of 33%."""
    assert metric.change_pct is not None
    if not metric.metric.is_speedup:
        return metric.change_pct
    return 100 * (1 / (1 + metric.change_pct / 100) - 1)


def _regressed_in(row: Row, waiver: Waiver) -> list[MetricRow]:
    if row.verdict not in (Verdict.REGRESSED, Verdict.WAIVED):
        return []
    return [metric for metric in row.metrics if metric.verdict is Verdict.REGRESSED and waiver.covers(metric.metric)]


def _fits(metric: MetricRow, waiver: Waiver) -> bool:
    if waiver.size.percent is not None:
        return slower_pct(metric) <= waiver.size.percent
    assert waiver.size.seconds is not None
    assert metric.current is not None
    assert metric.baseline is not None
    return metric.current - metric.baseline <= waiver.size.seconds


def _why_not(metric: MetricRow, found: Sequence[Waiver], live: Sequence[Waiver], day: dt.date | None) -> str:
    if live:
        waiver = live[0]
        return (
            f"not waived: its {metric.metric} is {slower_pct(metric):.1f}% slower, {waiver.owner}'s waiver allows "
            f"{waiver.size} ({waiver.reason})"
        )
    if day is None:
        return "not waived: the run has no date, and a waiver ends on one"
    if found:
        last = max(found, key=lambda waiver: waiver.expires)
        return f"not waived: {last.owner}'s waiver expired on {last.expires} ({last.reason})"
    return f"not waived: no waiver of the case is of its {metric.metric}"


def _noted(row: Row, note: str) -> Row:
    return row.model_copy(update={"notes": (note, *row.notes)})
