"""The numbers of a sample that are worth a trend, by name; those that are judged have the judge's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.judge.metric import Clock, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.record.replicate import Sample

_REPLAYED = " (replayed)"
DECIDING = (f"{Metric.DEVICE_SPEEDUP}{_REPLAYED}", Metric.DEVICE_SPEEDUP, Metric.WALL_SPEEDUP, Metric.WALL_TIME)
"""What a case is judged by: the first of these that it has."""
_SPEEDUPS = (Metric.DEVICE_SPEEDUP, Metric.WALL_SPEEDUP)
_FACTS = ("engines", "engine_bytes", "activation_bytes", "fallback_ops", "layers", "reformat_layers")
"""Facts of what was built that are numbers; digests and counts that hardly move alone are left to the record."""


def measured(sample: Sample) -> Iterator[tuple[str, float, float | None]]:
    """Name, value and relative standard error (None: not known) of each number.

    Speedups are factors, times are in seconds, other units stand in the names. Replayed device times
    aren't queued ones, so they have names of their own.
    """
    for metric in Metric:
        score = metric.score(sample)
        if score is not None:
            is_replayed = sample.is_replayed and metric.clock is Clock.DEVICE
            name = replayed(metric) if is_replayed else str(metric)
            yield name, metric.value_of(score), metric.standard_error(sample)
    if sample.tail is not None:
        yield "p99_s", sample.tail.p99_s, None
    if sample.agreement is not None:
        yield "sqnr_db", sample.agreement.sqnr_db_min, None
    for name in _FACTS:
        fact = sample.facts.get(name)
        if isinstance(fact, int):
            yield name, float(fact), None
    for name, cost in sample.costs.items():
        yield name, cost, None


def more_is_better(metric: str) -> bool:
    """Whether a rise is a gain: of speedups and of the answers' signal-to-noise ratio; of all else a fall is."""
    return queued(metric) in _SPEEDUPS or metric == "sqnr_db"


def replayed(metric: str) -> str:
    """The name of a device metric where graphs were replayed."""
    return f"{metric}{_REPLAYED}"


def queued(metric: str) -> str:
    """The name of a metric without how it was taken: the judge's, the unit at its end."""
    return metric.removesuffix(_REPLAYED)
