"""Runs against a usual baseline, and ways to look at the judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfkit.judge.compare import judge
from perfkit.record.baseline import Baseline
from perfkit.record.schema import Outcome, Status
from tests.support import (
    Times,
    case,
    make_run,
    usual_times,
)

if TYPE_CHECKING:
    from perfkit.judge.verdict import FindingKind, Judgement, Row, Verdict
    from perfkit.record.replicate import Run

HURT = case("trt-int8")


def baseline_of(*runs: Run) -> Baseline:
    return Baseline("baseline", runs[0].hardware, tuple(run.replicate for run in runs))


def usual_baseline(nights: int = 3, **options: Any) -> Baseline:
    return baseline_of(*(make_run(day=day, **options) for day in range(1, nights + 1)))


def judged(times: Times | None = None, **options: Any) -> Judgement:
    return judge(usual_baseline(), [make_run(times, day=9, **options)])


def row_of(judgement: Judgement, which: Any = HURT) -> Row:
    (row,) = [row for row in judgement.rows if row.case == which]
    return row


def others(judgement: Judgement) -> set[Verdict]:
    return {row.verdict for row in judgement.rows if row.case != HURT}


def scaled(times: Times, *, reference: float = 1.0, variant: float = 1.0) -> Times:
    return {c: (r * reference, v * variant) for c, (r, v) in times.items()}


def outcome(status: Status, reason: str = "", variant: str = "trt-int8") -> Outcome:
    return Outcome(**case(variant)._asdict(), status=status, reason=reason)


def kinds(judgement: Judgement) -> set[FindingKind]:
    return {finding.kind for finding in judgement.findings}


def without(which: Any) -> Times:
    return {c: pair for c, pair in usual_times().items() if c != which}
