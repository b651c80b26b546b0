"""Each case at length: its numbers with intervals, and every fact of what was built, beside the baseline's."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from perfkit.judge.metric import Metric
from perfkit.record.replicate import by_date
from perfkit.report.html.links import anchor
from perfkit.report.html.roofline import roofline_words
from perfkit.report.table import SYMBOLS, table_of, whole_why
from perfkit.report.units import NOTHING, format_change, format_speedup, format_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.verdict import MetricRow, Row
    from perfkit.record.replicate import Replicate, Sample
    from perfkit.record.schema import CaseRecord
    from perfkit.report.exporter import Report

_DIGEST_DIGITS = 12
_MEBI = 2**20


class Fact(NamedTuple):
    """A fact of both sides as text."""

    name: str
    baseline: str
    current: str

    @property
    def differs(self) -> bool:
        """Whether both sides have it, and not alike."""
        return self.baseline != self.current and NOTHING not in (self.baseline, self.current)


class Number(NamedTuple):
    """One metric as text."""

    metric: str
    baseline: str
    current: str
    change: str
    interval: str
    detects: str
    replicates: str
    verdict: str


class Column(NamedTuple):
    """One field of the table of cases: what is shown, and what it is sorted by."""

    text: str
    value: float | str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A row of the table of cases, and its section below."""

    row: Row
    anchor: str
    symbol: str
    why: str
    columns: tuple[Column, ...]
    numbers: tuple[Number, ...]
    tail: str
    roofline: str
    """How far the device time is from what the card can do, or why nobody knows; nothing without a device time."""
    disturbed: str
    """What marks disturbed rounds in the chart, where their places are known; else nothing."""
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]


def headings_of(report: Report) -> tuple[str, ...]:
    """Of the table of cases."""
    return table_of(report.judgement, ()).headings


def case_views(report: Report) -> list[CaseView]:
    """In the judgement's order."""
    current = _samples([run.replicate for run in report.runs])
    baseline = _samples(report.baseline.replicates if report.baseline else ())
    records: Mapping[CaseId, list[CaseRecord]] = defaultdict(list)
    for details in report.details:
        for case, record in details.records.items():
            records[case].append(record)
    table = table_of(report.judgement)
    hardware = report.runs[0].hardware.name if report.runs else ""
    return [
        _view(
            row,
            [
                Column(text, _sorting(heading, row))
                for heading, text in zip(table.headings[2:-1], cells[2:-1], strict=True)
            ],
            baseline.get(row.case),
            current.get(row.case),
            records.get(row.case, []),
            hardware,
        )
        for row, (_, cells) in zip(report.judgement.rows, table.rows, strict=True)
    ]


def format_fact(name: str, value: object) -> str:
    """By the unit in the fact's name: seconds and bytes as people read them, a digest in twelve digits."""
    if value is None:
        return NOTHING
    if isinstance(value, int | float) and not isinstance(value, bool):
        if name.endswith("_s"):
            return format_time(value) if value else "0 s"
        if name.endswith("_bytes"):
            return f"{value / _MEBI:.2f} MiB"
        return f"{value:.6g}"
    return str(value)[:_DIGEST_DIGITS] if name.endswith("sha256") else str(value)


def _samples(replicates: Sequence[Replicate]) -> Mapping[CaseId, Sample]:
    """The newest of each case."""
    found = defaultdict(list)
    for replicate in sorted(replicates, key=by_date):
        for sample in replicate.samples:
            found[sample.case].append(sample)
    return {case: samples[-1] for case, samples in found.items()}


def _view(
    row: Row,
    columns: Sequence[Column],
    before: Sample | None,
    after: Sample | None,
    records: Sequence[CaseRecord],
    hardware: str,
) -> CaseView:
    record = records[-1] if records else None
    tail = ""
    if row.tail is not None:
        p95, p99, longest = map(format_time, (row.tail.p95_s, row.tail.p99_s, row.tail.max_s))
        tail = f"95% below {p95}, 99% below {p99}, longest {longest}, {row.tail.spikes} above twice the median"
    return CaseView(
        row=row,
        anchor=anchor(row.case),
        symbol=SYMBOLS[row.verdict],
        why=whole_why(row),
        columns=tuple(columns),
        numbers=tuple(map(_number, row.metrics)),
        tail=tail,
        roofline=roofline_words(row, after, hardware),
        disturbed=_disturbed(records),
        facts=tuple(_facts(before, after, record)),
        notes=tuple(record.facts.notes) if record is not None else (),
    )


def _disturbed(records: Sequence[CaseRecord]) -> str:
    known = [found for record in records if (found := record.conditions) is not None and found.disturbed_rounds]
    told = ""
    if any(not found.spoiled for found in known):
        told += "; dashed: a round that was disturbed and is left out"
    if any(found.spoiled for found in known):
        told += "; ringed: a round that was disturbed, in a replicate in which most were"
    return told


def _sorting(heading: str, row: Row) -> float | str:
    """The number behind a field; what isn't known sorts as nothing at all."""
    if heading == "detects":
        return "" if row.detectable_pct is None else row.detectable_pct
    found = row.metric(Metric.WALL_TIME if heading == "latency" else Metric(heading))
    return "" if found is None or found.current is None else found.current


def _number(metric: MetricRow) -> Number:
    shown = format_speedup if metric.metric.is_speedup else format_time
    low, high = metric.change_low_pct, metric.change_high_pct
    return Number(
        metric=str(metric.metric),
        baseline=NOTHING if metric.baseline is None else shown(metric.baseline),
        current=NOTHING if metric.current is None else shown(metric.current),
        change=NOTHING if metric.change_pct is None else format_change(metric.change_pct),
        interval=NOTHING if low is None or high is None else f"{format_change(low)} to {format_change(high)}",
        detects=NOTHING if metric.detectable_pct is None else f"{metric.detectable_pct:.1f}%",
        replicates=f"{metric.baseline_replicates} → {metric.current_replicates}",
        verdict=NOTHING if metric.verdict is None else str(metric.verdict),
    )


def _facts(before: Sample | None, after: Sample | None, record: CaseRecord | None) -> Iterator[Fact]:
    """What is known of either side. What only whole records hold has no baseline: its file keeps no whole records."""
    sides = [_told(before), _told(after)]
    for name in dict.fromkeys([*sides[1], *sides[0]]):
        shown = [format_fact(name, side.get(name)) for side in sides]
        yield Fact(name, *shown)
    if record is not None:
        of_record = {
            "build_s": record.facts.build_s,
            "builder_s": record.facts.builder_s,
            "from_store": record.facts.from_store,
            "peak_build_bytes": record.memory.peak_build_bytes,
            "device_used_bytes": record.memory.device_used_bytes,
            "warm-up calls": record.warmup.variant_calls,
            "warm-up settled": record.warmup.stable,
            "calls a round": record.rounds.variant_calls,
        }
        for name, value in of_record.items():
            if value is not None:
                yield Fact(name, NOTHING, format_fact(name, value))


def _told(sample: Sample | None) -> dict[str, object]:
    if sample is None:
        return {}
    agreement = {} if sample.agreement is None else sample.agreement.model_dump(exclude_none=True)
    work = {} if sample.work is None else sample.work.model_dump(mode="json")
    return {"rounds": sample.rounds, **work, **sample.facts, **agreement, **sample.costs, **sample.comparability}
