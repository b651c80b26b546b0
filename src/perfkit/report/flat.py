"""The judgement as one flat table, a row for each case and metric: what CSV and Parquet hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.judge.verdict import Judgement


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


def flat_rows(judgement: Judgement) -> Iterator[FlatRow]:
    """In the judgement's order, the worst case first."""
    for row in judgement.rows:
        of_case = (*row.case, str(row.verdict), row.reason, _word(row.moved), _word(row.deciding))
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
            )
        if not (row.metrics or row.custom_metrics):
            yield FlatRow(*of_case, *[None] * (len(FlatRow._fields) - len(of_case)))


def _word(value: object) -> str | None:
    return None if value is None else str(value)
