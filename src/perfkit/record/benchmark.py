"""One entry of a run file, checked: whose it is, and whether its numbers can be true."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError
from perfkit.record.json_file import check_schema_version, describe
from perfkit.record.replicate import LONGEST_S
from perfkit.record.sample import bad_number, bad_time
from perfkit.record.schema import SCHEMA_VERSION, CaseRecord
from perfkit.untrusted import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TIMES = ("median", "min", "max", "mean")
_MOST_ROUNDS = 10**9
"""Each of a nanosecond at least, with what a loop in Python takes: no night has more."""
_MAX_DISAGREEMENT = 1.25
"""pytest-benchmark's median is over the calls that the rounds' times are medians of.

So it lies between the fastest and the slowest round, wherever in a disturbed case. Beyond them by more than this is
another unit or an edited file.
"""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One entry; `fault` says why its numbers can't be true, `record` is perfkit's own, if any."""

    case: CaseId
    stats: Mapping[str, Any]
    fault: str | None
    record: CaseRecord | None
    weights: object
    platform: object


def read_benchmark(raw: object, source: str) -> Benchmark:
    """Check one entry; `source` names file and entry in errors.

    Raises UserError for what is no entry of pytest-benchmark or of another schema. Numbers that
    can't be true are no error: they are the case's fault, to be judged BROKEN.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("stats"), dict):
        raise UserError(f"{source} has no stats; not a pytest-benchmark file")
    stats, extra = raw["stats"], raw.get("extra_info")
    extra = extra if isinstance(extra, dict) else {}
    own = extra.get("perfkit")
    if own is not None and not isinstance(own, dict):
        raise UserError(f"{source}: extra_info.perfkit is no object")
    fault = _stats_fault(stats)
    record = None
    if own is not None:
        check_schema_version(own, SCHEMA_VERSION, "perfkit's record of the case", source)
        fault = fault or bad_number(own)
        if fault is None:
            record = _case_record(own, source)
            fault = _disagreement(stats, record)
    return Benchmark(
        case=_case(own if own is not None else extra, raw.get("fullname"), source),
        stats=stats,
        fault=fault,
        record=record,
        weights=extra.get("weights"),
        platform=extra.get("platform"),
    )


def stats_numbers(benchmark: Benchmark) -> Iterator[str]:
    """The entry's statistics as text, for recognising a copy; NaN is a text like any other."""
    return (f"{name}={benchmark.stats.get(name)!r}" for name in (*_TIMES, "rounds"))


def _case(told: Mapping[str, Any], full_name: object, source: str) -> CaseId:
    parts = [told.get(key) for key in ("model", "variant", "shape")]
    if all(isinstance(part, str) and part for part in parts):
        return CaseId(*(str(part) for part in parts))
    # A benchmark that isn't perfkit's kind has no model, variant and shape; its name identifies it.
    if not isinstance(full_name, str) or not full_name:
        raise UserError(f"{source} has neither model, variant and shape nor a full name")
    return CaseId(full_name, "", "")


def _stats_fault(stats: Mapping[str, Any]) -> str | None:
    for name in _TIMES:
        if (why := bad_time(stats.get(name))) is not None:
            return f"{name} {why}"
    rounds, iqr = stats.get("rounds"), stats.get("iqr")
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        return f"number of rounds is not positive ({shown(rounds)})"
    if rounds > _MOST_ROUNDS:
        return f"number of rounds is not plausible ({shown(rounds)})"
    if isinstance(iqr, bool) or not isinstance(iqr, int | float) or not 0 <= iqr <= LONGEST_S:
        return f"interquartile range is no length of time ({shown(iqr)})"
    return None


def _case_record(own: Mapping[str, Any], source: str) -> CaseRecord:
    try:
        return CaseRecord.model_validate(own)
    except ValidationError as error:
        raise UserError(f"{source}: extra_info.perfkit.{describe(error)}") from error


def _disagreement(stats: Mapping[str, Any], record: CaseRecord) -> str | None:
    of_stats, rounds_s = float(stats["median"]), record.rounds.variant_wall_s
    if min(rounds_s) / _MAX_DISAGREEMENT <= of_stats <= max(rounds_s) * _MAX_DISAGREEMENT:
        return None
    told = f"median {of_stats:.6g} s against {median(rounds_s):.6g} s"
    return f"stats and rounds disagree: {told}; another unit, or an edited file"
