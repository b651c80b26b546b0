"""What speaks against making a run part of a baseline: its verdicts, and what came before."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from perfkit.exit_codes import ExitCode
from perfkit.judge import past as history
from perfkit.judge.compare import judge
from perfkit.judge.metric import time_of
from perfkit.judge.rule import TOLERANCE
from perfkit.judge.verdict import FindingKind, Verdict
from perfkit.record.baseline import Baseline
from perfkit.record.dates import moment
from perfkit.record.replicate import distinct

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.limits import Limits
    from perfkit.judge.past import PastRun
    from perfkit.judge.verdict import Finding, Judgement, Row
    from perfkit.record.replicate import Replicate, Run

STALE_DAYS = 30
"""A run so much older than the newest replicate that the baseline has of its cases is a level of the past."""
_CONFIRMED = 2
"""Processes that must have shown a gain."""
_ENOUGH_OTHERS = 2
"""Against a single other replicate nobody can say which of the two is out of line."""


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason; a `grave` one needs --force beside --reason, the others a reason alone."""

    text: str
    code: ExitCode
    grave: bool = False
    further: tuple[str, ...] = ()
    """The same of further cases, a text each."""

    @property
    def whole(self) -> str:
        """Of all its cases."""
        return ", ".join((self.text, *self.further))


def chooser(glob: str | None) -> Callable[[CaseId], bool]:
    """Whether ``--cases`` selects a case."""
    return lambda case: glob is None or case.fits(glob)


def objections(
    baseline: Baseline | None,
    runs: Sequence[Run],
    judgement: Judgement,
    limits: Limits,
    glob: str | None = None,
    past: Sequence[PastRun] = (),
) -> Iterator[Objection]:
    """All that speaks against promoting the chosen cases of ``runs``, the gravest first.

    ``judgement`` is theirs against the baseline, without waivers; ``past`` are other runs that the history has.
    """
    is_chosen = chooser(glob)
    rows = [row for row in judgement.rows if is_chosen(row.case)]
    yield from _failing(rows, had=cases_of(baseline))
    for run in runs:
        if run.replicate.commit.endswith("+dirty"):
            text = f"{run.source}: measured with uncommitted changes, so nobody can say of which code"
            yield Objection(text, ExitCode.USAGE, grave=True)
    yield from _told_by(judgement.findings, is_chosen)
    outliers = list(_outliers(baseline, runs, limits))
    stale = list(_stale(baseline, runs, rows, is_chosen))
    unconfirmed = list(_unconfirmed(rows, runs, history.confirmed_gains(past, rows, _newest(baseline, is_chosen))))
    # What the baseline says already isn't said again by the history.
    if not outliers and not judgement.has_shifted:
        outliers = _doubts(history.outliers(past, runs, _from_baseline_pct(rows)))
    yield from outliers
    yield from stale or _doubts(history.stale(past, runs, STALE_DAYS))
    yield from unconfirmed
    yield from _doubts(history.denied_gains(past, rows, runs))
    if not outliers:
        yield from _doubts(history.lucky_firsts(past, rows, runs, _CONFIRMED))
    for row in rows:
        if is_incomparable(row):
            yield Objection(f"{row.case}: {row.reason}", ExitCode.NOT_JUDGED)


def _doubts(told: Iterable[str]) -> list[Objection]:
    return [Objection(text, ExitCode.INCONCLUSIVE) for text in told]


def _from_baseline_pct(rows: Sequence[Row]) -> float | None:
    """How far the times are from the baseline's, where it has half of the cases."""
    return typical_change_pct(rows) if 2 * sum(row.compared for row in rows) >= len(rows) else None


def cases_of(baseline: Baseline | None) -> set[CaseId]:
    """Every case that a replicate of the baseline has."""
    return {sample.case for replicate in (baseline.replicates if baseline else ()) for sample in replicate.samples}


def is_incomparable(row: Row) -> bool:
    """Whether the run measured the case under other conditions than the baseline.

    Of a case most of whose rounds were disturbed it has no numbers, and nothing that the baseline's could be held to.
    """
    measured = any(metric.current_replicates for metric in row.metrics)
    return row.verdict is Verdict.INCONCLUSIVE and not row.compared and measured


def _failing(rows: Iterable[Row], had: set[CaseId]) -> Iterator[Objection]:
    failing = [row for row in rows if row.verdict.fails]
    # What the run planned and didn't measure, and the baseline never had, takes nothing away from it: told apart.
    never_had = [row for row in failing if row.verdict is Verdict.MISSING and row.case not in had]
    lost = [row for row in failing if row not in never_had]
    if lost:
        first, *further = map(_told, lost)
        yield Objection(first, ExitCode.FAIL, grave=True, further=tuple(further))
    if never_had:
        first, *further = map(_told, never_had)
        yield Objection(f"incomplete: {first}", ExitCode.FAIL, grave=True, further=tuple(further))


def _told(row: Row) -> str:
    since = f", {row.drift_pct:.1f}% slower than its anchor" if row.drift_pct is not None else ""
    return f"{row.case} is {row.verdict} ({row.reason}){since}"


def _told_by(findings: Iterable[Finding], is_chosen: Callable[[CaseId], bool]) -> Iterator[Objection]:
    for finding in findings:
        concerned = not finding.cases or any(map(is_chosen, finding.cases))
        if finding.kind is FindingKind.DRIFT and concerned:
            yield Objection(f"{finding.kind}: {finding.text}", ExitCode.FAIL, grave=True)
        elif finding.kind in (FindingKind.COMMON_SHIFT, FindingKind.TOO_GOOD) and concerned:
            yield Objection(finding.text, ExitCode.INCONCLUSIVE)


def _outliers(baseline: Baseline | None, runs: Sequence[Run], limits: Limits) -> Iterator[Objection]:
    """Of several runs, one whose times all lie elsewhere than those of the others and of the baseline."""
    processes = distinct(runs)
    known = baseline.replicates if baseline is not None else ()
    if len(processes) == 1 or len(known) + len(processes) <= _ENOUGH_OTHERS:
        return  # a single run against the baseline is what the judgement is
    for run in processes:
        others = (*known, *(other.replicate for other in processes if other is not run))
        found = judge(_standing_in(baseline, run, others), [run], limits)
        typical = typical_change_pct(found.rows)
        far = TOLERANCE[run.replicate.platform]
        # A repeat of doubtful cases can't say what a night did to all of them.
        is_whole = 2 * sum(row.compared for row in found.rows) >= len(found.rows)
        if found.has_shifted and is_whole and typical is not None and abs(math.log1p(typical / 100)) > far:
            text = f"{run.source}: an outlier, its times lie {typical:+.1f}% from the others' (median over cases)"
            yield Objection(text, ExitCode.INCONCLUSIVE)


def _standing_in(baseline: Baseline | None, run: Run, replicates: tuple[Replicate, ...]) -> Baseline:
    if baseline is None:
        return Baseline("the other runs", run.hardware, replicates)
    return replace(baseline, replicates=replicates, anchors=())


def typical_change_pct(rows: Iterable[Row]) -> float | None:
    """How far the deciding clock's times moved, median over compared cases; positive is slower."""
    changes = []
    for row in rows:
        metric = row.metric(time_of(row.deciding.clock)) if row.compared and row.deciding is not None else None
        if metric is not None and metric.change_pct is not None:
            changes.append(metric.change_pct)
    return median(changes) if changes else None


def _stale(
    baseline: Baseline | None, runs: Sequence[Run], rows: Sequence[Row], is_chosen: Callable[[CaseId], bool]
) -> Iterator[Objection]:
    newest = _newest(baseline, is_chosen)
    for run in runs if newest is not None else ():
        when = moment(run.replicate.datetime)
        age_days = (newest - when).days if newest is not None and when is not None else 0
        if age_days > STALE_DAYS:
            typical = typical_change_pct(rows)
            apart = "" if typical is None else f" and {typical:+.1f}% from its level (times, median over cases)"
            text = (
                f"{run.source}: a stale level, {age_days} days older than the newest replicate of the baseline{apart}"
            )
            yield Objection(text, ExitCode.INCONCLUSIVE)


def _newest(baseline: Baseline | None, is_chosen: Callable[[CaseId], bool]) -> dt.datetime | None:
    """When the newest replicate that the baseline has of the chosen cases was measured."""
    dates = [
        when
        for replicate in (baseline.replicates if baseline is not None else ())
        if any(is_chosen(sample.case) for sample in replicate.sound)
        and (when := moment(replicate.datetime)) is not None
    ]
    return max(dates, default=None)


def _unconfirmed(rows: Iterable[Row], runs: Sequence[Run], confirmed: Collection[CaseId]) -> Iterator[Objection]:
    """Gains that one process alone has shown: a lucky one would be the mark of all that follow.

    Of two and more the judgement has weighed already how far they agree.
    """
    shown = history.processes_of(runs)
    for row in rows:
        if row.verdict is Verdict.IMPROVED and shown[row.case] < _CONFIRMED and row.case not in confirmed:
            text = f"{row.case}: an unconfirmed gain ({row.reason})"
            yield Objection(f"{text}: promote {_CONFIRMED} processes that show it", ExitCode.INCONCLUSIVE)
