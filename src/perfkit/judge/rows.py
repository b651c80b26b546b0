"""Rows of a judgement: numbers of both sides beside a verdict."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from perfkit.judge.decide import as_pct, decide, with_facts
from perfkit.judge.facts import worse_answers, worse_facts
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import MetricRow, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.change import CaseChange
    from perfkit.judge.estimate import Effect
    from perfkit.judge.metric import Clock
    from perfkit.judge.shift import Shift
    from perfkit.judge.verdict import Verdict
    from perfkit.record.replicate import Sample, Tail


def compared_row(change: CaseChange, shifts: Mapping[Clock, Shift], notes: Iterable[str]) -> Row:
    """The row of a case that both sides have."""
    decision = with_facts(
        decide(change, shifts),
        list(worse_facts(change.pair.baseline, change.pair.current)),
        list(worse_answers(change.pair.baseline, change.pair.current)),
    )
    return Row(
        **change.case._asdict(),
        verdict=decision.verdict,
        compared=True,
        reason=decision.reason,
        moved=decision.moved,
        deciding=change.deciding,
        detectable_pct=as_pct(change.detectable),
        metrics=tuple(
            _compared_metric(row, change.metrics[row.metric], decision.metrics[row.metric])
            if row.metric in decision.metrics
            else row
            for row in _metric_rows(change.pair.baseline, change.pair.current)
        ),
        tail=_worst_tail(change.pair.current),
        notes=(*notes, *(str(modes) for modes in (change.modes, change.within) if modes is not None)),
    )


def uncompared_row(
    case: CaseId,
    verdict: Verdict,
    reason: str,
    *,
    baseline: Sequence[Sample] = (),
    current: Sequence[Sample] = (),
    notes: Iterable[str] = (),
    disturbed: bool = False,
) -> Row:
    """The row of a case without a comparison, with what numbers either side has."""
    return Row(
        **case._asdict(),
        verdict=verdict,
        reason=reason,
        disturbed=disturbed,
        metrics=tuple(_metric_rows(baseline, current)),
        tail=_worst_tail(current),
        notes=tuple(notes),
    )


def _worst_tail(samples: Sequence[Sample]) -> Tail | None:
    return max((sample.tail for sample in samples if sample.tail), key=lambda tail: tail.max_s, default=None)


def _metric_rows(baseline: Sequence[Sample], current: Sequence[Sample]) -> Iterator[MetricRow]:
    for metric in Metric:
        before, after = metric.scores(baseline), metric.scores(current)
        if before or after:
            yield MetricRow(
                metric=metric,
                baseline=metric.value_of(fmean(before)) if before else None,
                current=metric.value_of(fmean(after)) if after else None,
                baseline_replicates=len(before),
                current_replicates=len(after),
            )


def _compared_metric(row: MetricRow, effect: Effect, verdict: Verdict) -> MetricRow:
    sign = 1 if row.metric.is_speedup else -1
    low, high = sorted(sign * effect.size + side * effect.margin for side in (-1, 1))
    return row.model_copy(
        update={
            "change_pct": as_pct(sign * effect.size),
            "change_low_pct": as_pct(low),
            "change_high_pct": as_pct(high),
            "detectable_pct": as_pct(effect.detectable),
            "verdict": verdict,
        }
    )
