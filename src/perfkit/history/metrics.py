"""The numbers of a sample that are worth a trend, by name; those that are judged have the judge's names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from perfkit.judge.metric import Clock, Metric
from perfkit.record.facts import Better
from perfkit.record.schema import DeviceBy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.record.facts import CustomMetric
    from perfkit.record.replicate import Sample

_WAYS = tuple(f" ({way})" for way in DeviceBy if way is not DeviceBy.QUEUED)
"""Newest first."""
_CUSTOM = re.compile(rf"(.+) \[(.+), ({'|'.join(Better)}) is better\]", re.DOTALL)
DECIDING = (
    *(f"{Metric.DEVICE_SPEEDUP}{way}" for way in _WAYS),
    Metric.DEVICE_SPEEDUP,
    Metric.WALL_SPEEDUP,
    Metric.WALL_TIME,
)
"""What a case is judged by: the first of these that it has."""
_SPEEDUPS = (Metric.DEVICE_SPEEDUP, Metric.WALL_SPEEDUP)
_FACTS = ("engines", "engine_bytes", "activation_bytes", "fallback_ops", "layers", "reformat_layers")
"""Facts of what was built that are numbers; digests and counts that hardly move alone are left to the record."""


def measured(sample: Sample) -> Iterator[tuple[str, float, float | None]]:
    """Name, value and relative standard error (None: not known) of each number.

    Speedups are factors, times are in seconds, other units stand in the names. Device times of one way aren't those of
    another, so all but the queued ones have names of their own. What is said of a user's own metric stands behind its
    name: with another unit it is another series.
    """
    for metric in Metric:
        score = metric.score(sample)
        if score is not None:
            name = taken_by(metric, sample.device_by) if metric.clock is Clock.DEVICE else str(metric)
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
    for name, custom in (sample.custom_metrics or {}).items():
        if custom.value is not None:
            yield custom_name(name, custom), custom.value, None


class Declared(NamedTuple):
    """What the user says of a metric of their own."""

    name: str
    unit: str
    better: Better


def custom_name(name: str, metric: CustomMetric) -> str:
    """The name of its series: ``images per s [img/s, higher is better]``."""
    return f"{name} [{metric.unit}, {metric.better} is better]"


def declared(metric: str) -> Declared | None:
    """What a series' name says of a user's metric; None for one of perfkit's own.

    >>> declared("images per s [img/s, higher is better]")
    Declared(name='images per s', unit='img/s', better=<Better.HIGHER: 'higher'>)
    >>> declared("wall time") is None
    True
    """
    found = _CUSTOM.fullmatch(metric)
    return None if found is None else Declared(found[1], found[2], Better(found[3]))


def is_asked_for(metric: str, asked: str) -> bool:
    """Whether a name means a series: its own, that of a way of taking it, or a user's metric whatever is said of it."""
    if asked in (metric, queued(metric)):
        return True
    custom = declared(metric)
    return custom is not None and custom.name == asked


def more_is_better(metric: str) -> bool:
    """Whether a rise is a gain: of speedups, of the answers' signal-to-noise ratio, and where a user says so."""
    if (custom := declared(metric)) is not None:
        return custom.better is Better.HIGHER
    return queued(metric) in _SPEEDUPS or metric == "sqnr_db"


def has_ratio(metric: str) -> bool:
    """Whether a change is told in percent: dB are logarithms already, and twice as many of them mean nothing."""
    unit = custom.unit if (custom := declared(metric)) is not None else metric.rpartition("_")[2]
    return unit.lower() != "db"


def taken_by(metric: str, way: str) -> str:
    """The name of a device metric whose times were taken in one of the ways (DeviceBy)."""
    return str(metric) if way == DeviceBy.QUEUED else f"{metric} ({way})"


def queued(metric: str) -> str:
    """The name of a metric without how it was taken: the judge's, the unit at its end."""
    for way in _WAYS:
        metric = metric.removesuffix(way)
    return metric
