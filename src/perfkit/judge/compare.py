"""Judging a run against a baseline: the way from what files hold to a judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.garbage import uncollected
from perfkit.judge import advisories
from perfkit.judge.cases import gather, left_out, lost_clock, moved_to, verdict_before_comparing
from perfkit.judge.change import Pair, changes_of
from perfkit.judge.custom import custom_rows, lost_metrics, with_custom_metrics
from perfkit.judge.decide import as_pct
from perfkit.judge.drift import RECENT, drift_finding, drifts_of
from perfkit.judge.facts import grown_costs, worse_answers, worse_facts
from perfkit.judge.limits import Limits
from perfkit.judge.order import in_order, too_slow
from perfkit.judge.refusal import NOTHING_COMPARABLE, mixed_hardware, mixed_shards, no_baseline, same_run
from perfkit.judge.roofline import faster_than_roofline
from perfkit.judge.rows import compared_row, uncompared_row
from perfkit.judge.shift import shift_findings
from perfkit.judge.suspects import fact_notes, left_out_rounds, software_suspects
from perfkit.judge.verdict import Judgement, Row, Side, Verdict
from perfkit.judge.waive import day_of, with_waiver
from perfkit.record.hardware import describe_hardware
from perfkit.record.replicate import by_date, distinct

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.catalog.waivers import Waiver
    from perfkit.judge.cases import CaseData
    from perfkit.judge.change import CaseChange
    from perfkit.judge.drift import Drift
    from perfkit.judge.metric import Clock
    from perfkit.judge.shift import Shift
    from perfkit.judge.verdict import FindingKind
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Replicate, Run

_USUAL = Limits()


@uncollected()  # judging makes no cycles, and the collector would look through all samples again and again
def judge(
    baseline: Baseline | None, runs: Sequence[Run], limits: Limits = _USUAL, waivers: Sequence[Waiver] = ()
) -> Judgement:
    """Judge the replicates of one run, at least one, against a baseline, within the project's limits.

    The result doesn't depend on the order of cases, runs or replicates. A copy of a replicate
    counts once, and a replicate is never compared with itself. `waivers` count by the day of the run.
    """
    current = sorted(distinct(runs), key=lambda run: by_date(run.replicate))
    refusal = mixed_hardware(current) or mixed_shards(current) or same_run(baseline, current)
    if refusal is not None:
        return Judgement(run=_side_of_runs(current), baseline=_side_of(baseline), refusal=refusal, rows=())
    refusal = no_baseline(baseline, current)
    replicates = _replicates(baseline) if baseline is not None and refusal is None else []
    cases = [data for data in gather(replicates, current) if not data.is_skipped]
    measured = {data.case: data.current for data in cases if data.current}
    slower = advisories.slower_than_expected(measured)

    pairs = {
        data.case: Pair(data.comparable_baseline, data.current)
        for data in cases
        if verdict_before_comparing(data) is None
    }
    changes, shifts = changes_of(pairs, current[0].replicate.platform, limits)
    anchors = baseline.anchors if baseline is not None and refusal is None else ()

    def recent() -> Mapping[CaseId, CaseChange]:
        newest = {case: Pair(pair.baseline[-RECENT:], pair.current) for case, pair in pairs.items()}
        return changes_of(newest, current[0].replicate.platform, limits)[0]

    drifts = drifts_of(anchors, changes, recent)
    rows = [_row(data, cases, changes, shifts, slower) for data in cases]
    faults = advisories.injected_into(current)
    rows = [
        row.model_copy(update={"notes": (*row.notes, note)}) if (note := faults.get(str(row.case))) else row
        for row in rows
    ]
    day = day_of(current)
    rows = [_judged_further(row, changes.get(row.case), drifts.get(row.case), waivers, day) for row in rows]
    if refusal is None:
        out_of_order = too_slow(measured, limits)
        rows = [in_order(row, out_of_order) for row in rows]
    rows.sort(key=lambda row: (row.verdict.rank, row.case))
    # A disturbed case was comparable; a quieter machine can judge it.
    if refusal is None and not any(row.compared or row.verdict.fails or row.disturbed for row in rows):
        refusal = NOTHING_COMPARABLE
    suspects = software_suspects(replicates, [run.replicate for run in current])
    return Judgement(
        run=_side_of_runs(current),
        baseline=_side_of(baseline),
        refusal=refusal,
        rows=tuple(rows),
        findings=(
            *shift_findings(shifts, suspects, len(replicates)),
            *drift_finding(anchors, changes, shifts, drifts, rows, current[0].replicate.platform),
            *advisories.own_baseline(baseline),
            *advisories.injected(current),
            *advisories.expectation_findings(slower),
            *advisories.too_good(rows),
            *faster_than_roofline(current[0].hardware.name, measured),
            *advisories.noise_floor(measured),
            *advisories.tails(measured),
            *advisories.skipped(current, {data.case for data in cases}, measured),
            *advisories.shard(current[0]),
        ),
        suspects=suspects,
    )


def _row(
    data: CaseData,
    cases: Sequence[CaseData],
    changes: Mapping[CaseId, CaseChange],
    shifts: Mapping[Clock, Shift],
    slower: Mapping[FindingKind, Mapping[CaseId, str]],
) -> Row:
    notes = [*advisories.missing_warmup(data.current), *left_out_rounds(data.current), *left_out(data)]
    notes += [cases[data.case] for cases in slower.values() if data.case in cases]
    early = verdict_before_comparing(data)
    if early is not None:
        verdict, reason = early
        if verdict is Verdict.MISSING:
            reason += moved_to(data, cases)
        return uncompared_row(
            data.case,
            verdict,
            reason,
            baseline=data.baseline,
            # Times of a broken case may be the very thing that is broken.
            current=() if verdict is Verdict.BROKEN else data.current,
            notes=notes,
            disturbed=verdict is Verdict.INCONCLUSIVE and not data.current,
        ).model_copy(update={"custom_metrics": custom_rows(data.baseline, data.current, compare=False)})
    before, after = data.comparable_baseline, data.current
    notes += [*lost_clock(data), *fact_notes(before, after), *grown_costs(before, after)]
    return with_custom_metrics(compared_row(changes[data.case], shifts, notes), before, after)


def _judged_further(
    row: Row, change: CaseChange | None, drift: Drift | None, waivers: Sequence[Waiver], day: dt.date | None
) -> Row:
    """A compared row with what is beyond tonight: its anchor, and the project's waivers."""
    if change is None:
        return row
    if drift is not None:
        told = {"drift_pct": as_pct(drift.slower), "notes": (*row.notes, str(drift))}
        row = row.model_copy(update=told)
    before, after = change.pair.baseline, change.pair.current
    worse = [*worse_answers(before, after), *worse_facts(before, after), *lost_metrics(row)] if waivers else []
    return with_waiver(row, waivers, day, worse=worse)


def _replicates(baseline: Baseline) -> list[Replicate]:
    once = {replicate.run_id: replicate for replicate in baseline.replicates}
    return sorted(once.values(), key=by_date)


def _side_of_runs(runs: Sequence[Run]) -> Side:
    return Side(
        source=_place([run.source for run in runs]),
        replicates=len(runs),
        commits=_commits(run.replicate for run in runs),
        hardware=describe_hardware(runs[0].hardware),
    )


def _place(files: Sequence[str]) -> str:
    """The file, the folder that all of several lie in, or each where they lie apart."""
    folder, *others = {file.rpartition("/")[0] for file in files}
    return folder if folder and not others and len(files) > 1 else ", ".join(files)


def _side_of(baseline: Baseline | None) -> Side | None:
    if baseline is None:
        return None
    file = baseline.committed
    return Side(
        source=baseline.source,
        replicates=len(_replicates(baseline)),
        commits=_commits(_replicates(baseline)),
        hardware=describe_hardware(baseline.hardware),
        file_commit=file.commit if file is not None else None,
        is_uncommitted=file is not None and file.is_changed,
        base_branch=file.base if file is not None else None,
        is_as_in_base=file.is_as_in_base if file is not None else None,
    )


def _commits(replicates: Iterable[Replicate]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(r.short_commit for r in replicates if r.commit))
