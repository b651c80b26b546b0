"""The one table of a judgement as plain strings, shared by every format that shows a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.judge.metric import Metric
from perfkit.judge.verdict import Verdict
from perfkit.report.text import clip, printable, shorten
from perfkit.report.units import NOTHING, format_change, format_speedup, format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from perfkit.judge.verdict import CustomMetricRow, Judgement, MetricRow, Row, Side

SYMBOLS = {
    Verdict.BROKEN: "✗",
    Verdict.MISSING: "∅",
    Verdict.REGRESSED: "▼",
    Verdict.INCONCLUSIVE: "?",
    Verdict.WAIVED: "~",
    Verdict.NEW: "+",
    Verdict.PASS: "✓",
    Verdict.IMPROVED: "▲",
}
_LONGEST_CASE = 60
_LONGEST_WHY = 300
_MOST_COMMITS = 4


@dataclass(frozen=True, slots=True)
class Table:
    """Headings, and for each row of the judgement its verdict and one string a column."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Verdict, tuple[str, ...]], ...]


def table_of(judgement: Judgement, rows: Sequence[Row] | None = None) -> Table:
    """Case, verdict, speedups, latency, smallest detectable slowdown, and why; worst row first.

    Of all rows or of some. A speedup that no case has (device times on a CPU) has no column.
    """
    speedups = [
        metric
        for metric in (Metric.DEVICE_SPEEDUP, Metric.WALL_SPEEDUP)
        if any(row.metric(metric) for row in judgement.rows)
    ]
    names = shorten((str(row.case) for row in judgement.rows), _LONGEST_CASE)
    return Table(
        headings=("case", "verdict", *speedups, "latency", "detects", "why"),
        rows=tuple(
            (
                row.verdict,
                (
                    names[str(row.case)],
                    f"{SYMBOLS[row.verdict]} {row.verdict}",
                    *(_speedup(row.metric(metric)) for metric in speedups),
                    _latency(row.metric(Metric.WALL_TIME)),
                    _detectable(row),
                    why(row),
                ),
            )
            for row in (judgement.rows if rows is None else rows)
        ),
    )


def by_model(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    """The rows of each model, worst first; the model with the worst row first. `rows` stand worst first."""
    models: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        models[row.model].append(row)
    return models


def needs_a_look(row: Row) -> bool:
    """Whether somebody has to look at the case: it failed, couldn't be told, or was let off."""
    return row.verdict.rank < Verdict.NEW.rank


def count_words(rows: Iterable[Row]) -> str:
    """How many have each verdict, worst first: ``1 REGRESSED, 3 PASS``."""
    counted = Counter(row.verdict for row in rows)
    return ", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict if counted[verdict])


def why(row: Row) -> str:
    """The side that moved, the reason, the user's own metrics and the notes of a row in one line."""
    return clip(whole_why(row), _LONGEST_WHY)


def whole_why(row: Row) -> str:
    """The same, however long."""
    moved = f"{row.moved}: " if row.moved is not None else ""
    told = "; ".join([row.reason, *row.notes])
    # What has a sentence of its own already isn't said twice.
    customs = [_custom(custom) for custom in row.custom_metrics if not custom.reason or custom.reason not in told]
    parts = [f"{moved}{row.reason}", *customs, *row.notes]
    return printable("; ".join(part for part in parts if part))


def head_lines(judgement: Judgement) -> Sequence[str]:
    """What was compared with what: run, baseline and hardware, a line each."""
    run, baseline = judgement.run, judgement.baseline
    lines = [f"run: {_side(run)}", f"baseline: {_side(baseline) if baseline else 'none'}"]
    lines.append(f"hardware: {run.hardware}")
    if baseline is not None and baseline.hardware != run.hardware:
        lines.append(f"hardware of the baseline: {baseline.hardware}")
    return [printable(line) for line in lines]


def remark_lines(judgement: Judgement) -> Sequence[str]:
    """What stands below the table: findings, then what else changed, a line each."""
    lines = [f"{finding.kind}: {finding.text}" for finding in judgement.findings]
    lines += [f"changed: {suspect.what} {suspect.baseline} -> {suspect.current}" for suspect in judgement.suspects]
    return [printable(line) for line in lines]


def metric_lines(row: Row) -> Iterator[str]:
    """Each metric of a case with its whole interval, the user's own, then its tail: what a wordy report adds."""
    for metric in row.metrics:
        shown = format_speedup if metric.metric.is_speedup else format_time
        sides = [NOTHING if side is None else shown(side) for side in (metric.baseline, metric.current)]
        parts = [f"{metric.metric} {' → '.join(sides)}"]
        if metric.change_pct is not None:
            parts.append(format_change(metric.change_pct))
        if metric.change_low_pct is not None and metric.change_high_pct is not None:
            parts.append(f"[{format_change(metric.change_low_pct)}, {format_change(metric.change_high_pct)}]")
        if metric.detectable_pct is not None:
            parts.append(f"detects {metric.detectable_pct:.1f}%")
        parts.append(f"replicates {metric.baseline_replicates} → {metric.current_replicates}")
        yield ", ".join([*parts, *([] if metric.verdict is None else [str(metric.verdict)])])
    for custom in row.custom_metrics:
        tolerated = f"{custom.better} is better, {custom.tolerance_pct:g}% is tolerated"
        counted = f"replicates {custom.baseline_replicates} → {custom.current_replicates}"
        verdict = [] if custom.verdict is None else [str(custom.verdict)]
        yield printable(", ".join([_custom(custom), tolerated, counted, *verdict]))
    if row.tail is not None:
        tail = row.tail
        p95, p99, longest = map(format_time, (tail.p95_s, tail.p99_s, tail.max_s))
        yield f"tail p95 {p95}, p99 {p99}, longest {longest}, {tail.spikes} rounds above twice the median"


def _side(side: Side) -> str:
    parts = [side.source, f"{side.replicates} replicate{'s' if side.replicates != 1 else ''}"]
    if side.commits:
        earlier = len(side.commits) - _MOST_COMMITS
        commits = ", ".join(side.commits[-_MOST_COMMITS:])
        parts.append(f"commit{'s' if len(side.commits) != 1 else ''} {commits}")
        if earlier > 0:
            parts.append(f"{earlier} earlier")
    if side.file_commit is not None:
        parts.append(f"file of commit {side.file_commit}{' with uncommitted changes' if side.is_uncommitted else ''}")
    elif side.is_uncommitted:
        parts.append("file not committed")
    if side.is_as_in_base is not None:
        parts.append(f"{'as' if side.is_as_in_base else 'not as'} {side.base_branch} has it")
    return ", ".join(parts)


def _custom(row: CustomMetricRow) -> str:
    """``images_per_s 45.1 → 46.9 img/s (+4.0%)``."""
    sides = [NOTHING if side is None else f"{side:.4g}" for side in (row.baseline, row.current)]
    shown = sides[1] if row.baseline is None else " → ".join(sides)
    change = "" if row.change_pct is None else f" ({format_change(row.change_pct)})"
    return f"{row.name} {shown} {row.unit}{change}"


def _speedup(row: MetricRow | None) -> str:
    if row is None:
        return NOTHING
    sides = [format_speedup(side) for side in (row.baseline, row.current) if side is not None]
    if row.current is None:
        sides.append(NOTHING)
    return " → ".join(sides) + _change(row)


def _latency(row: MetricRow | None) -> str:
    if row is None or row.current is None:
        return NOTHING
    return format_time(row.current) + _change(row)


def _change(row: MetricRow) -> str:
    """With half the width of its interval: ``(-23.1% ±1.2)``."""
    if row.change_pct is None:
        return ""
    margin = ""
    if row.change_low_pct is not None and row.change_high_pct is not None:
        margin = f" ±{(row.change_high_pct - row.change_low_pct) / 2:.1f}"
    return f" ({format_change(row.change_pct)}{margin})"


def _detectable(row: Row) -> str:
    return NOTHING if row.detectable_pct is None else f"{row.detectable_pct:.1f}%"
