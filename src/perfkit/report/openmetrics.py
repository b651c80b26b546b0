"""OpenMetrics text for a node exporter's textfile collector: gauges without timestamps, which that collector takes.

It is valid in the older text format of Prometheus as well (``# EOF`` is a comment there).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.record.dates import moment, order
from perfkit.report.text import distinct

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from perfkit.judge.verdict import Judgement
    from perfkit.report.exporter import Report

    Series = tuple[Mapping[str, object], float]


def export(report: Report) -> bytes:
    """The whole file. A series is left out where its number isn't known: absent is not zero."""
    judgement = report.judgement
    families: list[tuple[str, str, Iterable[Series]]] = [
        ("case_verdict", "1 for the verdict that the case has.", _verdicts(judgement)),
        ("time_seconds", "Time of one call, mean over replicates of the median over rounds.", _metrics(judgement, "s")),
        ("speedup_ratio", "Speedup over eager-fp32, mean over replicates.", _metrics(judgement, "x")),
        ("custom_metric", "A number of the user's own, median over replicates, in its own unit.", _customs(judgement)),
        ("change_ratio", "Change against the baseline: 0.05 is five percent more.", _changes(judgement)),
        ("detectable_slowdown_ratio", "The smallest slowdown that would have been seen.", _detectable(judgement)),
        ("cases", "Cases by verdict.", (({"verdict": v}, float(n)) for v, n in judgement.counts.items())),
        ("replicates", "Replicates of the run.", [({}, float(judgement.run.replicates))]),
        ("exit_code", "What the run ends with: 0 pass, 1 fail, 10 not judged, 11 inconclusive.", _exit_code(judgement)),
        ("run_timestamp_seconds", "When the newest replicate was measured, Unix time.", _moment(report)),
    ]
    lines = [line for name, text, series in families for line in _family(f"perfkit_{name}", text, series)]
    return "\n".join([*lines, "# EOF", ""]).encode()


def _family(name: str, text: str, series: Iterable[Series]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} gauge"
    for labels, value in series:
        told = ",".join(f'{label}="{_escape(str(text))}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value!r}" if told else f"{name} {value!r}"


def _escape(text: str) -> str:
    return distinct(text).replace("\\", "\\\\").replace('"', '\\"')


def _verdicts(judgement: Judgement) -> Iterator[Series]:
    for row in judgement.rows:
        yield {**row.case._asdict(), "verdict": row.verdict}, 1.0


def _metrics(judgement: Judgement, unit: str) -> Iterator[Series]:
    for row in judgement.rows:
        for metric in row.metrics:
            if metric.current is not None and metric.metric.is_speedup is (unit == "x"):
                yield {**row.case._asdict(), "clock": metric.metric.clock}, metric.current


def _customs(judgement: Judgement) -> Iterator[Series]:
    for row in judgement.rows:
        for custom in row.custom_metrics:
            if custom.current is not None:
                labels = {"metric": custom.name, "unit": custom.unit, "better": custom.better}
                yield {**row.case._asdict(), **labels}, custom.current


def _changes(judgement: Judgement) -> Iterator[Series]:
    for row in judgement.rows:
        changes = [(str(metric.metric), metric.change_pct) for metric in row.metrics]
        changes += [(custom.name, custom.change_pct) for custom in row.custom_metrics]
        for name, change_pct in changes:
            if change_pct is not None:
                yield {**row.case._asdict(), "metric": name}, change_pct / 100


def _detectable(judgement: Judgement) -> Iterator[Series]:
    for row in judgement.rows:
        if row.detectable_pct is not None:
            yield row.case._asdict(), row.detectable_pct / 100


def _exit_code(judgement: Judgement) -> Iterator[Series]:
    yield {}, float(judgement.exit_code)


def _moment(report: Report) -> Iterator[Series]:
    """Nothing where no replicate says when, in a way that can be read."""
    for run in sorted(report.runs, key=lambda run: order(run.replicate.datetime), reverse=True)[:1]:
        if (when := moment(run.replicate.datetime)) is not None:
            yield {}, when.timestamp()
