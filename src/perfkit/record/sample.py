"""Reducing rounds to one number per metric: paired rounds, or pytest-benchmark's statistics."""

from __future__ import annotations

import math
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import REFERENCE_VARIANT, CaseId
from perfkit.record.modes import round_modes
from perfkit.record.replicate import LONGEST_S, SHORTEST_S, Sample, Tail, Timing, rounded
from perfkit.record.schema import DeviceBy
from perfkit.untrusted import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from perfkit.record.facts import BuildFacts
    from perfkit.record.schema import CaseRecord, Conditions

MEDIAN_SE_PER_IQR = 0.93
"""Standard error of a median = 0.93 · IQR / √n for normal rounds.

The median's standard error is √(π/2)/√n = 1.253/√n standard deviations and a normal IQR is 1.349 of
them (McGill, Tukey and Larsen, "Variations of Box Plots", The American Statistician 32, 1978, use
the same approximation).
"""

_FACTS_THAT_COUNT = (
    "engines",
    "engine_bytes",
    "engine_sha256",
    "activation_bytes",
    "fallback_ops",
    "total_ops",
    "layers",
    "compute_layers",
    "delivered_layers",
    "reformat_layers",
    "calibration",
    "timing_cache_bytes",
    "timing_cache_sha256",
)
"""Facts whose change is a suspect; build seconds and notes differ from build to build."""


def sample_from_record(record: CaseRecord, rounds: int) -> Sample:
    """One case of perfkit's own: medians over its paired rounds.

    `rounds` is how many pytest-benchmark counted; the smaller count is kept, for certainty must
    not come from rounds that one of the two doesn't know.
    """
    times = record.rounds
    device = None
    first = [_first_round_ratio(times.variant_wall_s)]
    if times.reference_device_s is not None and times.variant_device_s is not None:
        device = _paired_timing(times.reference_device_s, times.variant_device_s)
        first.append(_first_round_ratio(times.variant_device_s))
    return Sample(
        model=record.model,
        variant=record.variant,
        shape=record.shape,
        rounds=min(rounds, len(times.order)),
        paired=True,
        first_round_ratio=max((ratio for ratio in first if ratio is not None), default=None),
        wall=_paired_timing(times.reference_wall_s, times.variant_wall_s),
        device=device,
        tail=tail_of(times.variant_wall_s),
        comparability=_flat_comparability(record),
        facts=_flat_facts(record.facts),
        engine_manifest_sha256=record.facts.engine_manifest_sha256,
        agreement=record.agreement,
        work=record.work,
        clocks_mhz=_clocks_mhz(record.conditions),
        disturbed={} if record.conditions is None else record.conditions.disturbed,
        spoiled=record.conditions is not None and record.conditions.spoiled,
        costs=_costs(record),
        custom_metrics=record.custom_metrics,
        spent_s=_spent_s(record),
    )


def sample_from_stats(
    case: CaseId, stats: Mapping[str, Any], weights: object, reference: Mapping[str, Any] | None
) -> Sample:
    """One case of a plain pytest-benchmark file: the ratio of its median to its reference's.

    `reference` is the statistics of the same model and shape run eager-fp32, None where the file
    has none; the reference itself has no speedup.
    """
    seconds, error = _median_of_stats(stats)
    timing = Timing(variant_s=seconds, variant_se=error)
    if reference is not None and case.variant != REFERENCE_VARIANT:
        reference_seconds, reference_error = _median_of_stats(reference)
        timing = Timing(
            variant_s=seconds,
            variant_se=error,
            reference_s=reference_seconds,
            reference_se=reference_error,
            log_speedup=math.log(reference_seconds / seconds),
            log_speedup_se=(None if error is None or reference_error is None else math.hypot(error, reference_error)),
        )
    times_s = kept_times(stats)
    return Sample(
        model=case.model,
        variant=case.variant,
        shape=case.shape,
        rounds=stats["rounds"],
        paired=False,
        first_round_ratio=_first_round_ratio(times_s),
        wall=timing,
        tail=tail_of(times_s) if times_s else None,
        comparability={"weights": weights} if isinstance(weights, str) else {},
    )


def kept_times(stats: Mapping[str, Any]) -> list[float]:
    """Seconds of every round, where pytest-benchmark kept them and all can be true; else none."""
    data = stats.get("data")
    return data if isinstance(data, list) and not any(map(bad_time, data)) else []


def tail_of(times_s: Sequence[float]) -> Tail:
    """The longest of at least one time; a percentile is the nearest rank above (Hyndman and Fan's first definition)."""
    ordered = sorted(times_s)
    spike_s = 2 * median(ordered)

    def rank(percent: int) -> float:
        return ordered[math.ceil(percent * len(ordered) / 100) - 1]

    return Tail(p95_s=rank(95), p99_s=rank(99), max_s=ordered[-1], spikes=sum(time_s > spike_s for time_s in ordered))


def bad_time(value: object) -> str | None:
    """Why a value is no time, in a few words; None for a time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"time is not a number ({shown(value)})"
    if math.isnan(value) or math.isinf(value):
        return f"time is not finite ({value})"
    if value == 0:
        return "time is not positive (0 s)"
    if value < 0:
        return f"time is negative ({value:g} s)"
    if not SHORTEST_S <= value <= LONGEST_S:
        return f"time is not plausible ({value:g} s)"
    return None


def bad_number(record: object, path: str = "") -> str | None:
    """Where a raw case record holds a number that can't be true, and which; None when it has none.

    Every number must be finite, and everything under ``rounds`` a time.
    """
    if path.startswith("rounds.") and isinstance(record, list) and all(map(_is_plain_time, record)):
        return None
    for key, value in _items(record):
        where = f"{path}.{key}" if path else str(key)
        found = bad_number(value, where)
        if found is not None:
            return found
        if isinstance(value, float) and not math.isfinite(value) and not path.startswith("rounds"):
            return f"{where} is not finite ({value})"
        if path.startswith("rounds.") and isinstance(record, list) and (why := bad_time(value)):
            return f"{why} in {path}, round {int(key) + 1}"
    return None


def _is_plain_time(value: object) -> bool:
    """For most of what a record holds; bad_time tells of others whether they are times, and why not."""
    return type(value) is float and SHORTEST_S <= value <= LONGEST_S


def _items(node: object) -> Iterator[tuple[str, object]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from ((str(index), value) for index, value in enumerate(node))


def _paired_timing(reference_s: Sequence[float], variant_s: Sequence[float]) -> Timing:
    speedups = [math.log(r / v) for r, v in zip(reference_s, variant_s, strict=True)]
    return Timing(
        variant_s=median(variant_s),
        variant_se=_median_se([math.log(time) for time in variant_s]),
        reference_s=median(reference_s),
        reference_se=_median_se([math.log(time) for time in reference_s]),
        log_speedup=median(speedups),
        log_speedup_se=_median_se(speedups),
        modes=round_modes(variant_s),
    )


def _median_se(logs: Sequence[float]) -> float | None:
    # On logarithms the quartiles' distance is relative already.
    if len(logs) < 2:  # noqa: PLR2004  (one round has no spread)
        return None
    low, _, high = quantiles(logs, n=4, method="inclusive")
    return MEDIAN_SE_PER_IQR * (high - low) / math.sqrt(len(logs))


def _median_of_stats(stats: Mapping[str, Any]) -> tuple[float, float | None]:
    seconds, rounds = float(stats["median"]), stats["rounds"]
    if rounds < 2:  # noqa: PLR2004  (one round has no spread)
        return seconds, None
    return seconds, MEDIAN_SE_PER_IQR * float(stats["iqr"]) / (seconds * math.sqrt(rounds))


def _first_round_ratio(times_s: Sequence[float]) -> float | None:
    if len(times_s) < 2:  # noqa: PLR2004  (nothing to compare the first with)
        return None
    return times_s[0] / median(times_s[1:])


def _flat_comparability(record: CaseRecord) -> dict[str, str]:
    flat = record.comparability.model_dump(exclude={"settings"})
    flat |= {f"settings.{key}": str(value) for key, value in record.comparability.settings.items()}
    if record.rounds.variant_device_s is not None:
        flat["device_by"] = str(record.rounds.device_by or DeviceBy.QUEUED)
    return dict(sorted(flat.items()))


def _clocks_mhz(conditions: Conditions | None) -> dict[str, float]:
    if conditions is None:
        return {}
    clocks = {"sm": conditions.gpu_sm_mhz, "memory": conditions.gpu_memory_mhz}
    return {name: mhz for name, mhz in clocks.items() if mhz is not None}


def _costs(record: CaseRecord) -> dict[str, float]:
    # Taken in the way of the case's replays: with nothing in the GPU's cache they are another series.
    queued = "cold_queued_s" if record.rounds.device_by is DeviceBy.COLD else "queued_s"
    costs = {
        "build_s": record.facts.build_s,
        "load_s": record.facts.load_s,
        "cold_call_s": record.warmup.variant_cold_call_s,
        "shape_change_s": record.warmup.variant_shape_change_s,
        "call_bytes": record.memory.call_bytes,
        "fallback_device_share": record.facts.fallback_device_share,
        queued: None if record.queued is None else record.queued.variant_s,
    }
    return {name: rounded(cost) for name, cost in costs.items() if cost is not None}


def _spent_s(record: CaseRecord) -> dict[str, float] | None:
    if record.rounds_s is None:
        return None
    built_s = record.facts.load_s if record.facts.from_store else record.facts.build_s
    spent_s = {"rounds": record.rounds_s, "building": built_s}
    return {name: rounded(took_s) for name, took_s in spent_s.items() if took_s is not None}


def _flat_facts(facts: BuildFacts) -> dict[str, int | str]:
    flat: dict[str, int | str] = {
        name: value for name in _FACTS_THAT_COUNT if (value := getattr(facts, name)) is not None
    }
    if facts.layer_formats is not None:
        flat["layer_formats"] = ", ".join(f"{name}: {count}" for name, count in sorted(facts.layer_formats.items()))
    return flat
