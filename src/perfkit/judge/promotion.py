"""Whether a run may become part of a baseline, and what the baseline then holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfkit.errors import few
from perfkit.exit_codes import ExitCode
from perfkit.judge.anchors import anchors_after
from perfkit.judge.cases import long_enough, timed_alike
from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.objections import cases_of, chooser, is_incomparable, objections
from perfkit.judge.rule import MIN_ROUNDS
from perfkit.judge.verdict import Moved, RefusalKind, Verdict
from perfkit.record.replicate import Run, by_date, distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.past import PastRun
    from perfkit.judge.verdict import Judgement, Row
    from perfkit.record.anchor import Anchor
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Replicate, Sample

_NO_PROMOTION = (
    RefusalKind.SAME_RUN,
    RefusalKind.OTHER_HARDWARE,
    RefusalKind.MIXED_HARDWARE,
    RefusalKind.MIXED_SHARDS,
)
_USUAL = Limits()
_FEW = 3
"""So many of the objections are told in a line, of each case one."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """Exit code PASS: `replicates` are the new baseline. Any other: refused, `why` says it, `brief` in a short line."""

    code: ExitCode
    why: str = ""
    brief: str = ""
    replicates: tuple[Replicate, ...] = ()
    started_anew: tuple[CaseId, ...] = ()
    accepted: tuple[str, ...] = ()
    """What spoke against it, and was accepted by reason or by force."""
    left_out: tuple[str, ...] = ()
    """Of each run the chosen cases that are not promoted: most rounds disturbed, or device times taken otherwise."""
    anchors: tuple[Anchor, ...] = ()
    anchors_moved: tuple[str, ...] = ()


def promotion_of(
    baseline: Baseline | None,
    runs: Sequence[Run],
    judgement: Judgement,
    reason: str,
    *,
    force: bool = False,
    glob: str | None = None,
    limits: Limits = _USUAL,
    whole: Baseline | None = None,
    past: Sequence[PastRun] = (),
) -> Promotion:
    """Decide on a promotion; `judgement` is that of `runs` against `baseline`, without waivers.

    A `reason` in words accepts what may be as it should be: a common shift, cases that can't be compared with what is
    there, a gain, a run that didn't measure all that it planned. What got worse needs `force` besides, for it would
    otherwise let a slower run in under the name of a changed machine. What a shift, changed conditions or an accepted
    regression concern starts anew, for old and new replicates no longer mean the same. `glob` chooses cases. A broken
    case is never promoted, nor is a spoiled sample, and a missing case stays in the baseline. `whole` is the baseline
    to add to where `baseline` is what :func:`judged_against` left of it. `past` are other runs that the history has.
    """
    whole = whole or baseline
    if judgement.refusal is not None and judgement.refusal.kind in _NO_PROMOTION:
        return Promotion(ExitCode.NOT_JUDGED, judgement.refusal.text)
    found = list(objections(baseline, runs, judgement, limits, glob, past))
    standing = [objection for objection in found if not (reason and (force or not objection.grave))]
    if standing:
        how = "--force --reason" if any(objection.grave for objection in standing) else "--reason"
        told = "; ".join(objection.whole for objection in standing)
        texts = [text for objection in standing for text in (objection.text, *objection.further)]
        brief = few(texts, _FEW, "; ") + (" (--json tells all)" if len(texts) > _FEW else "")
        ending = f"if that is as it should be, say why with {how}"
        return Promotion(standing[0].code, f"{told}; {ending}", f"{brief}; {ending}")
    is_chosen = chooser(glob)
    otherwise, short = _not_judged(runs)
    added = list(_added(runs, judgement, is_chosen, otherwise | short))
    left_out = tuple(_left_out(runs, is_chosen, otherwise, short))
    if not added:
        nothing = "the run measured nothing" if glob is None else f"the run measured no case that fits {glob}"
        return Promotion(ExitCode.NOT_JUDGED, "; ".join((*left_out, "measure again")) if left_out else nothing)
    rows = [row for row in judgement.rows if is_chosen(row.case)]
    anew = set(_starting_anew(judgement, rows))
    anchors, moved = anchors_after(whole, added, judgement, rows)
    return Promotion(
        ExitCode.PASS,
        replicates=tuple(_merged([*_without(whole, anew), *added])),
        started_anew=tuple(sorted(anew & cases_of(whole))),
        accepted=tuple(objection.whole for objection in found),
        left_out=left_out,
        anchors=anchors,
        anchors_moved=moved,
    )


def judged_against(baseline: Baseline | None, runs: Sequence[Run], glob: str | None) -> Baseline | None:
    """The baseline without the replicates of the same processes, where these have none of the chosen cases yet.

    Cases of one run may be promoted one after another; a case that is there already is still the same run.
    """
    if baseline is None or glob is None:
        return baseline
    is_chosen, own = chooser(glob), {run.replicate.run_id for run in runs}
    kept = tuple(
        replicate
        for replicate in baseline.replicates
        if replicate.run_id not in own or any(is_chosen(sample.case) for sample in replicate.samples)
    )
    return replace(baseline, replicates=kept)


@dataclass(frozen=True, slots=True)
class Foresight:
    """What one more replicate, judged against a baseline, will be able to see by the metrics that decide."""

    smallest_pct: float
    largest_pct: float
    inconclusive: int
    cases: int


def foresee(baseline: Baseline, limits: Limits) -> Foresight | None:
    """From the newest sample of each case, as if it were measured once more; None where nothing can be judged."""
    dated = sorted(baseline.replicates, key=by_date)
    by_case: dict[CaseId, list[Sample]] = defaultdict(list)
    for replicate in dated:
        for sample in replicate.sound:
            by_case[sample.case].append(sample)
    newest = {case: long_enough(samples)[0][-1] for case, samples in by_case.items()}
    replicate = dated[-1].model_copy(update={"run_id": "foreseen", "samples": list(newest.values())})
    run = Run(source="foreseen", hardware=baseline.hardware, replicate=replicate, outcomes=[])
    rows = [row for row in judge(baseline, [run], limits).rows if row.compared and row.deciding is not None]
    seen = [row.detectable_pct for row in rows if row.detectable_pct is not None]
    if not seen:
        return None
    blind = sum(row.verdict is Verdict.INCONCLUSIVE for row in rows)
    return Foresight(min(seen), max(seen), blind, len(rows))


def _added(
    runs: Sequence[Run], judgement: Judgement, is_chosen: Callable[[CaseId], bool], not_judged: Collection[int]
) -> Iterator[Replicate]:
    broken = {row.case for row in judgement.rows if row.verdict is Verdict.BROKEN}
    for run in distinct(runs):
        sound = [s for s in run.replicate.sound if is_chosen(s.case) and s.case not in broken]
        samples = [sample for sample in sound if id(sample) not in not_judged]
        if samples:
            yield run.replicate.model_copy(update={"samples": samples})


def _not_judged(runs: Sequence[Run]) -> tuple[set[int], set[int]]:
    """Identities of the samples that judging leaves out: device times taken otherwise than most, and too few rounds."""
    by_case: dict[CaseId, list[Sample]] = defaultdict(list)
    for run in distinct(runs):
        for sample in run.replicate.sound:
            by_case[sample.case].append(sample)
    parted = [long_enough(samples) for samples in by_case.values()]
    otherwise = {id(sample) for enough, _ in parted for sample in timed_alike(enough)[1]}
    return otherwise, {id(sample) for _, short in parted for sample in short}


def _left_out(
    runs: Sequence[Run], is_chosen: Callable[[CaseId], bool], otherwise: Collection[int], short: Collection[int]
) -> Iterator[str]:
    for run in distinct(runs):
        samples = [sample for sample in run.replicate.samples if is_chosen(sample.case)]
        whys = {
            "most rounds were disturbed": [str(sample.case) for sample in samples if sample.spoiled],
            "device times were taken in another way than most": [str(s.case) for s in samples if id(s) in otherwise],
            f"fewer than {MIN_ROUNDS} rounds": [str(sample.case) for sample in samples if id(sample) in short],
        }
        for why, cases in whys.items():
            if cases:
                yield f"{run.source}: {why} of {', '.join(cases)}"


def _starting_anew(judgement: Judgement, rows: Sequence[Row]) -> Iterator[CaseId]:
    all_moved = judgement.has_shifted
    for row in rows:
        verdicts = [*(metric.verdict for metric in row.metrics), *(metric.verdict for metric in row.custom_metrics)]
        changed = row.moved is not None or Verdict.REGRESSED in verdicts
        # Slower than another variant, as before: nothing of its own has changed.
        regressed = row.verdict is Verdict.REGRESSED and changed
        moved = regressed or row.verdict is Verdict.IMPROVED or row.moved is Moved.REFERENCE
        if is_incomparable(row) or (row.compared and (all_moved or moved)):
            yield row.case


def _without(baseline: Baseline | None, anew: Collection[CaseId]) -> Iterator[Replicate]:
    for replicate in baseline.replicates if baseline is not None else ():
        samples = [sample for sample in replicate.samples if sample.case not in anew]
        if samples:
            yield replicate.model_copy(update={"samples": samples})


def _merged(replicates: Sequence[Replicate]) -> Iterator[Replicate]:
    """Each process once, with all its cases: they may have been promoted at different times."""
    found: dict[str, Replicate] = {}
    for replicate in replicates:
        known = found.get(replicate.run_id)
        samples = sorted([*(known.samples if known else []), *replicate.samples], key=lambda sample: sample.case)
        found[replicate.run_id] = replicate.model_copy(update={"samples": samples})
    yield from found.values()
