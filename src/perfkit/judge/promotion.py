"""Whether a run may become part of a baseline, and what the baseline then holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.verdict import FindingKind, Moved, RefusalKind, Verdict
from perfkit.record.replicate import Run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.limits import Limits
    from perfkit.judge.verdict import Judgement, Row
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Replicate


_NO_PROMOTION = (RefusalKind.SAME_RUN, RefusalKind.OTHER_HARDWARE, RefusalKind.MIXED_HARDWARE)


@dataclass(frozen=True, slots=True)
class Promotion:
    """Exit code PASS: `replicates` are the new baseline. Any other: refused, `why` says it."""

    code: ExitCode
    why: str = ""
    replicates: tuple[Replicate, ...] = ()
    started_anew: tuple[CaseId, ...] = ()


def promotion_of(baseline: Baseline | None, runs: Sequence[Run], judgement: Judgement, reason: str) -> Promotion:
    """Decide on a promotion; `judgement` is that of `runs` against `baseline`.

    A common shift, or cases that can't be compared with what is there, need a `reason` in words: both would
    otherwise let a slower run in under the name of a changed machine or setting. So does a gain that is too good to
    be true, or a mistake becomes the mark. What a shift or changed conditions concern starts anew, for old and new
    replicates no longer mean the same. A run that didn't measure all that it planned needs a reason too; what the
    baseline already has, it must have measured.
    """
    if judgement.refusal is not None and judgement.refusal.kind in _NO_PROMOTION:
        return Promotion(ExitCode.NOT_JUDGED, judgement.refusal.text)
    failing = [row for row in judgement.rows if row.verdict.fails]
    # What the run planned and didn't measure, and the baseline never had, takes nothing away from it.
    never_had = {row.case for row in failing if row.verdict is Verdict.MISSING} - _cases(baseline)
    lost = [row for row in failing if row.case not in never_had]
    if lost or (never_had and not reason):
        cases = ", ".join(f"{row.case} is {row.verdict} ({row.reason})" for row in lost or failing)
        hint = "" if lost else "; to promote the other cases, say why with --reason"
        return Promotion(ExitCode.FAIL, cases + hint)
    added = {run.replicate.run_id: run.replicate for run in runs if run.replicate.samples}
    if not added:
        return Promotion(ExitCode.NOT_JUDGED, "the run measured nothing")
    if not reason and (unexplained := _unexplained(judgement)):
        return unexplained
    anew = set(_starting_anew(judgement))
    return Promotion(
        ExitCode.PASS,
        replicates=(*_without(baseline, anew), *added.values()),
        started_anew=tuple(sorted(anew)),
    )


@dataclass(frozen=True, slots=True)
class Foresight:
    """What one more replicate, judged against a baseline, will be able to see by the metrics that decide."""

    smallest_pct: float
    largest_pct: float
    inconclusive: int
    cases: int


def foresee(baseline: Baseline, limits: Limits) -> Foresight | None:
    """From the newest sample of each case, as if it were measured once more; None where nothing can be judged."""
    newest = {sample.case: sample for replicate in baseline.replicates for sample in replicate.samples}
    replicate = baseline.replicates[-1].model_copy(update={"run_id": "foreseen", "samples": list(newest.values())})
    run = Run(source="foreseen", hardware=baseline.hardware, replicate=replicate, outcomes=[])
    rows = [row for row in judge(baseline, [run], limits).rows if row.compared and row.deciding is not None]
    seen = [row.detectable_pct for row in rows if row.detectable_pct is not None]
    if not seen:
        return None
    blind = sum(row.verdict is Verdict.INCONCLUSIVE for row in rows)
    return Foresight(min(seen), max(seen), blind, len(rows))


def _cases(baseline: Baseline | None) -> set[CaseId]:
    return {sample.case for replicate in (baseline.replicates if baseline else ()) for sample in replicate.samples}


def _unexplained(judgement: Judgement) -> Promotion | None:
    say_why = "if that is as it should be, say why with --reason"
    for finding in judgement.findings:
        if finding.kind in (FindingKind.COMMON_SHIFT, FindingKind.TOO_GOOD):
            return Promotion(ExitCode.INCONCLUSIVE, f"{finding.text}; {say_why}")
    for row in judgement.rows:
        if _is_incomparable(row):
            return Promotion(ExitCode.NOT_JUDGED, f"{row.case}: {row.reason}; {say_why}")
    return None


def _starting_anew(judgement: Judgement) -> Iterator[CaseId]:
    all_moved = any(finding.kind is FindingKind.COMMON_SHIFT for finding in judgement.findings)
    for row in judgement.rows:
        moved = row.verdict is Verdict.IMPROVED or row.moved is Moved.REFERENCE
        if _is_incomparable(row) or (row.compared and (all_moved or moved)):
            yield row.case


def _is_incomparable(row: Row) -> bool:
    return row.verdict is Verdict.INCONCLUSIVE and not row.compared


def _without(baseline: Baseline | None, anew: Collection[CaseId]) -> Iterator[Replicate]:
    for replicate in baseline.replicates if baseline is not None else ():
        samples = [sample for sample in replicate.samples if sample.case not in anew]
        if samples:
            yield replicate.model_copy(update={"samples": samples})
