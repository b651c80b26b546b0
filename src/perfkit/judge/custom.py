"""Custom metrics, judged: each by the tolerance that it declares, a loss and a gain alike.

perfkit doesn't know how a user's number scatters, so there are no statistics: medians over replicates are compared, and
a change beyond the tolerance counts where no replicate of one side lies within the other side's.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from perfkit.judge.verdict import CustomMetricRow, Verdict
from perfkit.record.facts import Better

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfkit.judge.verdict import Row
    from perfkit.record.facts import CustomMetric
    from perfkit.record.replicate import Sample


def custom_rows(
    baseline: Sequence[Sample], current: Sequence[Sample], *, compare: bool = True
) -> tuple[CustomMetricRow, ...]:
    """Every custom metric that either side has, by name; without ``compare`` their numbers alone.

    Samples come in the order of their dates; the newest says unit, direction and tolerance. What the baseline's newest
    hasn't was given up when that was promoted, and what has another unit there is another number.
    """
    names = {name for sample in (*baseline[-1:], *current) for name in sample.custom_metrics or {}}
    rows = (_row(name, _known(name, baseline), _of(name, current)) for name in sorted(names))
    return tuple(row if compare else row.model_copy(update={"verdict": None, "change_pct": None}) for row in rows)


def with_custom_metrics(row: Row, baseline: Sequence[Sample], current: Sequence[Sample]) -> Row:
    """A compared row with its custom metrics: a loss fails it, and what can't be told keeps it from passing.

    A gain is told and changes no verdict: IMPROVED is for speed.
    """
    customs = custom_rows(baseline, current)
    found = {verdict: [r for r in customs if r.verdict is verdict] for verdict in Verdict}
    verdict, told = row.verdict, []
    if found[Verdict.REGRESSED]:
        verdict, told = Verdict.REGRESSED, found[Verdict.REGRESSED]
    elif found[Verdict.INCONCLUSIVE] and verdict in (Verdict.PASS, Verdict.IMPROVED):
        verdict, told = Verdict.INCONCLUSIVE, found[Verdict.INCONCLUSIVE]
    reasons = [row.reason, *(r.reason for r in told)]
    return row.model_copy(
        update={
            "custom_metrics": customs,
            "verdict": verdict,
            "reason": "; ".join(reason for reason in reasons if reason),
            "notes": (
                *row.notes,
                *(r.reason for r in customs if r.reason and r not in told),
                *_changed_tolerances(baseline, current),
            ),
        }
    )


def lost_metrics(row: Row) -> Iterator[str]:
    """Why a row fails by its custom metrics, one phrase each; no waiver covers them."""
    return (metric.reason for metric in row.custom_metrics if metric.verdict is Verdict.REGRESSED)


def _of(name: str, samples: Sequence[Sample]) -> list[CustomMetric]:
    return [found[name] for sample in samples if name in (found := sample.custom_metrics or {})]


def _known(name: str, baseline: Sequence[Sample]) -> list[CustomMetric]:
    """Those of the baseline that are the number that its newest sample has; none where that hasn't it."""
    newest = (baseline[-1].custom_metrics or {}).get(name) if baseline else None
    if newest is None:
        return []
    kind = (newest.unit, newest.better)
    return [metric for metric in _of(name, baseline) if (metric.unit, metric.better) == kind]


def _row(name: str, baseline: Sequence[CustomMetric], current: Sequence[CustomMetric]) -> CustomMetricRow:
    newest = (current or baseline)[-1]
    sides = [[metric.value for metric in side if metric.value is not None] for side in (baseline, current)]
    old, new = (median(values) if values else None for values in sides)
    row = CustomMetricRow(
        name=name,
        unit=newest.unit,
        better=newest.better,
        tolerance_pct=100 * newest.tolerance,
        baseline=old,
        current=new,
        baseline_replicates=len(sides[0]),
        current_replicates=len(sides[1]),
    )
    if old is None:  # nothing to compare with
        lost = current[-1].reason if current else ""
        return row.model_copy(update={"reason": f"no {name}: {lost}" if lost else ""})
    verdict, reason, change = _judged(row, baseline, current, sides)
    return row.model_copy(update={"verdict": verdict, "reason": reason, "change_pct": change})


def _judged(
    row: CustomMetricRow,
    baseline: Sequence[CustomMetric],
    current: Sequence[CustomMetric],
    sides: Sequence[Sequence[float]],
) -> tuple[Verdict, str, float | None]:
    """The verdict, its reason and the change in percent, of a metric that the baseline has."""
    assert row.baseline is not None
    if row.current is None:
        why = current[-1].reason if current else "the suite no longer asks for it"
        return Verdict.INCONCLUSIVE, f"no {row.name}: {why}", None
    if len({(metric.unit, metric.better) for metric in (*baseline, *current)}) > 1:
        return Verdict.INCONCLUSIVE, f"{row.name} has another unit or direction than the baseline's", None
    change = 100 * (row.current / row.baseline - 1)
    if abs(change) <= row.tolerance_pct:
        return Verdict.PASS, "", change
    tolerated = f"{row.tolerance_pct:g}% is tolerated"
    told = f"{row.name} {row.baseline:.4g} -> {row.current:.4g} {row.unit} ({change:+.1f}%, {tolerated})"
    if max(map(min, sides)) <= min(map(max, sides)):
        return Verdict.INCONCLUSIVE, f"{told}, but replicates of both sides overlap", change
    is_gain = (change > 0) is (row.better is Better.HIGHER)
    return Verdict.IMPROVED if is_gain else Verdict.REGRESSED, told, change


def _changed_tolerances(baseline: Sequence[Sample], current: Sequence[Sample]) -> Iterator[str]:
    """A change must not bring its own yardstick unseen."""
    before, after = baseline[-1].custom_metrics or {}, current[-1].custom_metrics or {}
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name].tolerance, after[name].tolerance
        if old != new:
            yield f"the tolerance of {name} was {100 * old:g}% and is {100 * new:g}%"
