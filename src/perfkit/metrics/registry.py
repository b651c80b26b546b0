"""The registered custom metrics, by name. Listing them imports none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from pydantic import ValidationError

from perfkit.catalog.config import MetricName
from perfkit.entry_points import load_subclass, registered
from perfkit.errors import UserError
from perfkit.metrics.base import CaseMetric
from perfkit.record.facts import CustomMetric

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

GROUP = "perfkit.metrics"


def _entries() -> dict[str, EntryPoint]:
    return registered(GROUP)


def metric_names() -> list[str]:
    """Every registered name, sorted."""
    return sorted(_entries())


def load_metrics(names: Iterable[str]) -> tuple[CaseMetric, ...]:
    """The metrics of those registered names.

    Raises UserError when one can't be imported, isn't a metric, or what it says of itself doesn't fit.
    """
    return tuple(map(_load, names))


def _load(name: str) -> CaseMetric:
    entry = _entries()[name]
    metric: CaseMetric = load_subclass(entry, CaseMetric, "metric")()
    if metric.name != name:
        raise UserError(f"metric {name!r}: {entry.value} calls itself {metric.name!r}; both must be the same")
    if name in get_args(MetricName):
        raise UserError(f"metric {name!r} ({entry.value}): perfkit has a metric of that name; choose another")
    try:
        described(metric, reason="not measured yet")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"metric {name!r} ({entry.value}): {where}: {first['msg']}") from None
    return metric


def described(metric: CaseMetric, *, value: float | None = None, reason: str = "") -> CustomMetric:
    """What a record holds of the metric: a judge on another machine doesn't have the user's package."""
    return CustomMetric(value=value, reason=reason, unit=metric.unit, better=metric.better, tolerance=metric.tolerance)
