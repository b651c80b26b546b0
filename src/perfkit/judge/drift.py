"""Slow drift: how far a case has come from its anchor, by steps none of which a single night showed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from perfkit.judge import rule
from perfkit.judge.decide import as_pct, time_change
from perfkit.judge.metric import Metric, speedup_of, time_of
from perfkit.judge.scores import ReferenceScores
from perfkit.judge.shift import common_size
from perfkit.judge.suspects import comparability_differences
from perfkit.judge.verdict import Finding, FindingKind, Verdict, cases_in_words
from perfkit.record.dates import day
from perfkit.record.replicate import short_commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId, Platform
    from perfkit.judge.change import CaseChange
    from perfkit.judge.metric import Clock
    from perfkit.judge.shift import Shift
    from perfkit.judge.verdict import Row
    from perfkit.record.anchor import Anchor

RECENT = 5
"""Replicates of a baseline, the newest, that tell how much processes differ by themselves."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A case that is slower than its anchor by more than its tolerance."""

    anchor: Anchor
    metric: Metric
    slower: float
    """In log units of time."""
    tolerance: float

    def __str__(self) -> str:
        told = f"{as_pct(self.slower):.1f}% slower than its {anchor_name(self.anchor)}"
        return f"{told} by its {self.metric}, {as_pct(self.tolerance):.0f}% is tolerated"


def anchor_name(anchor: Anchor) -> str:
    """``anchor of 2030-01-01 (commit 0123456789ab)``."""
    commit = f" (commit {short_commit(anchor.commit)})" if anchor.commit else ""
    return f"anchor of {day(anchor.datetime)}{commit}"


def drifts_of(
    anchors: Iterable[Anchor],
    changes: Mapping[CaseId, CaseChange],
    recent: Callable[[], Mapping[CaseId, CaseChange]],
) -> dict[CaseId, Drift]:
    """The cases whose deciding clock says so: by the variant's own time, or by its speedup and by half in its time.

    Of times what all cases share since their anchors is left out. A distance that chance explains is none: it must
    exceed what a fall of tonight must, more where the anchor rests on fewer replicates. ``recent`` gives the changes
    from the newest replicates of the baseline, and is asked where a case may have drifted: what the replicates of
    months differ by is drift as well, and would excuse it.
    """
    known = _comparable(anchors, changes)
    shared = {clock: shared_since(known, changes, clock) for clock in {change.clock for change in changes.values()}}
    far = {}
    for case, anchor in known.items():
        drift = _far(anchor, changes[case], shared[changes[case].clock])
        if drift is not None:
            far[case] = drift
    newest = recent() if far else {}
    return {case: drift for case, drift in far.items() if drift.slower > _chance(drift, newest[case])}


def shared_since(anchors: Mapping[CaseId, Anchor], changes: Mapping[CaseId, CaseChange], clock: Clock) -> float:
    """What the times of a clock have in common since the cases' anchors, in log units; positive is faster."""
    beside = ReferenceScores(clock)
    references, times = {}, {}
    for case, anchor in anchors.items():
        current = changes[case].pair.current
        before, after = beside.scores(case, [anchor.sample]), beside.scores(case, current)
        own = _distance(time_of(clock), anchor, changes[case])
        if before and after and own is not None:
            references[case], times[case] = fmean(after) - fmean(before), own
    return common_size(references, times)


def drift_finding(
    anchors: Sequence[Anchor],
    changes: Mapping[CaseId, CaseChange],
    shifts: Mapping[Clock, Shift],
    drifts: Mapping[CaseId, Drift],
    rows: Iterable[Row],
    platform: Platform,
) -> Iterator[Finding]:
    """One finding for the cases that no verdict names, and one where everything has become slower together."""
    # What is waived has been named: it took one step, and its row tells the distance.
    named = {row.case for row in rows if row.verdict.fails or row.verdict is Verdict.WAIVED}
    quiet = {case: drift for case, drift in drifts.items() if case not in named}
    if quiet:
        worst = max(quiet, key=lambda case: (quiet[case].slower, case))
        text = f"{cases_in_words(quiet)}, the most {worst}: {quiet[worst]}; small steps add up"
        yield Finding(kind=FindingKind.DRIFT, text=text, cases=tuple(sorted(quiet)))
    if any(shift.is_slower for shift in shifts.values()):
        return  # told already, as the common shift
    known = _comparable(anchors, changes)
    for clock in sorted({changes[case].clock for case in known}):
        shared = shared_since(known, changes, clock)
        if -shared > rule.TOLERANCE[platform]:
            text = f"references and variants together, {clock} time {time_change(shared)} since their anchors"
            yield Finding(kind=FindingKind.DRIFT, text=f"{text}: host, driver or clocks", cases=())


def _comparable(anchors: Iterable[Anchor], changes: Mapping[CaseId, CaseChange]) -> dict[CaseId, Anchor]:
    """The anchors of the cases that changed, whose device times were taken as the run's are."""
    return {
        anchor.case: anchor
        for anchor in anchors
        if anchor.case in changes
        and not comparability_differences(anchor.sample, changes[anchor.case].pair.current[-1])
    }


def _far(anchor: Anchor, change: CaseChange, shared: float) -> Drift | None:
    """Farther than is tolerated, whether by chance or not."""
    time, speedup = time_of(change.clock), speedup_of(change.clock)
    of_time = _distance(time, anchor, change)
    if of_time is None:
        return None
    own = shared - of_time
    slower = {time: own}
    of_speedup = _distance(speedup, anchor, change)
    # A speedup falls by a faster reference too, which is nobody's loss.
    if of_speedup is not None and own >= change.tolerance / 2:
        slower[speedup] = -of_speedup
    metric = max(slower, key=lambda metric: (slower[metric], metric is speedup))
    return Drift(anchor, metric, slower[metric], change.tolerance) if slower[metric] > change.tolerance else None


def _distance(metric: Metric, anchor: Anchor, change: CaseChange) -> float | None:
    """From the anchor to the run; positive is better. None where one of them hasn't got the metric."""
    before, after = metric.score(anchor.sample), metric.scores(change.pair.current)
    return fmean(after) - before if before is not None and after else None


def _chance(drift: Drift, change: CaseChange) -> float:
    """What a fall must exceed to be none of chance, as if the baseline were the anchor's replicates."""
    if drift.metric not in change.metrics:
        return 0.0
    current = 1 / len(change.pair.current)
    widened = math.sqrt((1 / drift.anchor.replicates + current) / (1 / len(change.pair.baseline) + current))
    return change.metrics[drift.metric].threshold * max(1.0, widened)
