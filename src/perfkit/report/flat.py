"""The judgement as one flat table, a row for each case and metric: what CSV and Parquet hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from perfkit.record.facts import Better
from perfkit.record.replicate import distinct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.record.replicate import Run, Sample
    from perfkit.report.exporter import Report


class FlatRow(NamedTuple):
    """A case and one of its metrics; a case without numbers has one row without a metric.

    Speedups are factors, times seconds, changes and what could be seen percent; the user's own metrics have their own
    units.
    """

    model: str
    variant: str
    shape: str
    verdict: str
    reason: str
    notes: str
    """What else is said of the case: an advisory, a fact that differs."""
    moved: str | None
    deciding: str | None
    metric: str | None
    unit: str | None
    metric_verdict: str | None
    baseline: float | None
    current: float | None
    change_pct: float | None
    change_low_pct: float | None
    change_high_pct: float | None
    detectable_pct: float | None
    baseline_replicates: int | None
    current_replicates: int | None
    rounds: int | None
    """Of the case in all replicates of the run, as many as were measured; those below are some of them."""
    disturbed_rounds: int | None
    spoiled_replicates: int | None
    """Of the case: most of their rounds were disturbed, so that their times prove nothing."""
    better: str | None
    """Which way is a gain: higher or lower."""


def flat_rows(report: Report) -> Iterator[FlatRow]:
    """In the judgement's order, the worst case first."""
    samples = _samples(report.runs)
    for row in report.judgement.rows:
        told = (row.reason, "; ".join(row.notes))
        of_case = (*row.case, str(row.verdict), *told, _word(row.moved), _word(row.deciding))
        conditions = _conditions(samples.get(row.case, ()))
        for metric in row.metrics:
            yield FlatRow(
                *of_case,
                metric=str(metric.metric),
                unit="x" if metric.metric.is_speedup else "s",
                metric_verdict=_word(metric.verdict),
                baseline=metric.baseline,
                current=metric.current,
                change_pct=metric.change_pct,
                change_low_pct=metric.change_low_pct,
                change_high_pct=metric.change_high_pct,
                detectable_pct=metric.detectable_pct,
                baseline_replicates=metric.baseline_replicates,
                current_replicates=metric.current_replicates,
                rounds=conditions.rounds,
                disturbed_rounds=conditions.disturbed_rounds,
                spoiled_replicates=conditions.spoiled_replicates,
                better=str(Better.HIGHER if metric.metric.is_speedup else Better.LOWER),
            )
        for custom in row.custom_metrics:
            yield FlatRow(
                *of_case,
                metric=custom.name,
                unit=custom.unit,
                metric_verdict=_word(custom.verdict),
                baseline=custom.baseline,
                current=custom.current,
                change_pct=custom.change_pct,
                change_low_pct=None,
                change_high_pct=None,
                detectable_pct=None,
                baseline_replicates=custom.baseline_replicates,
                current_replicates=custom.current_replicates,
                **conditions._asdict(),
                better=str(custom.better),
            )
        if not (row.metrics or row.custom_metrics):
            without = FlatRow(*of_case, *[None] * (len(FlatRow._fields) - len(of_case)))
            yield without._replace(**conditions._asdict())


class _Conditions(NamedTuple):
    """The last columns."""

    rounds: int | None = None
    disturbed_rounds: int | None = None
    spoiled_replicates: int | None = None


def _samples(runs: Iterable[Run]) -> Mapping[CaseId, list[Sample]]:
    """By case, a copy of a replicate counting once."""
    found: dict[CaseId, list[Sample]] = {}
    for run in distinct(runs):
        for sample in run.replicate.samples:
            found.setdefault(sample.case, []).append(sample)
    return found


def _conditions(samples: Sequence[Sample]) -> _Conditions:
    if not samples:
        return _Conditions()
    disturbed = [sum(sample.disturbed.values()) for sample in samples]
    # Of a spoiled sample all rounds are kept, of another one those that weren't disturbed.
    left_out = sum(count for sample, count in zip(samples, disturbed, strict=True) if not sample.spoiled)
    return _Conditions(
        rounds=sum(sample.rounds for sample in samples) + left_out,
        disturbed_rounds=sum(disturbed),
        spoiled_replicates=sum(sample.spoiled for sample in samples),
    )


def _word(value: object) -> str | None:
    return None if value is None else str(value)
