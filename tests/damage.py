"""Damages that happen to run files in real life, as functions on their parsed JSON."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tests.support import benchmark_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.catalog.case import CaseId

_STATS = ("min", "max", "mean", "median", "stddev", "iqr")


def set_times(data: dict[str, Any], which: CaseId, change: Callable[[float], float]) -> None:
    """Change every time of a case: pytest-benchmark's and those of the paired rounds."""
    entry = benchmark_of(data, which)
    stats = entry["stats"]
    for name in _STATS:
        stats[name] = change(stats[name])
    stats["data"] = [change(time) for time in stats["data"]]
    rounds = entry["extra_info"].get("perfkit", {}).get("rounds", {})
    for name, times in rounds.items():
        if name.startswith("variant_") and name.endswith("_s") and times is not None:
            rounds[name] = [change(time) for time in times]


def duplicate(data: dict[str, Any], which: CaseId, factor: float) -> None:
    """The case twice, the first one slower."""
    twin = copy.deepcopy(benchmark_of(data, which))
    position = data["benchmarks"].index(benchmark_of(data, which))
    set_times(data, which, lambda time: time * factor)
    data["benchmarks"].insert(position + 1, twin)


def drop(data: dict[str, Any], which: CaseId) -> None:
    """The entry is gone, as when its test died."""
    data["benchmarks"].remove(benchmark_of(data, which))


def one_round(data: dict[str, Any]) -> None:
    """pytest-benchmark counts a single round."""
    for entry in data["benchmarks"]:
        median_s = entry["stats"]["median"]
        entry["stats"].update(rounds=1, iqr=0, stddev=0, data=[median_s])


def milliseconds(data: dict[str, Any], every_case: list[CaseId]) -> None:
    """Another unit everywhere."""
    for which in every_case:
        set_times(data, which, lambda time: time * 1e3)
        rounds = benchmark_of(data, which)["extra_info"]["perfkit"]["rounds"]
        for name in ("reference_wall_s", "reference_device_s"):
            rounds[name] = [time * 1e3 for time in rounds[name]]
