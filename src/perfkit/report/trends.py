"""Changes through time for people: a row each, or one for many cases that changed in the same night."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from perfkit.record.replicate import short_commit
from perfkit.report.columns import columns
from perfkit.report.text import cell_width, clip, fold, printable
from perfkit.report.units import NOTHING, format_change

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfkit.history.trends import Trend

HEADINGS = ("date", "", "case", "metric", "change", "commits", "what changed there")
_ALIKE = 4
"""So many cases that change the same way in one night are one row: a driver, a compiler."""
_LONGEST_WORD = 40
_DIGITS = 4
_NARROWEST_LAST = 24


def render(trends: Sequence[Trend], width: int) -> str:
    """At most `width` columns wide, without a newline at its end."""
    if not trends:
        return "no series changed its level or drifted"
    lines = _table([cells_of(group) for group in groups_of(trends)], width)
    worse = sum(trend.worse for trend in trends)
    ending = [f"{len(trends)} change{'s' if len(trends) != 1 else ''}, {worse} for the worse"]
    if between := [trend for trend in trends if trend.worse and _can_be_bisected(trend)]:
        newest = between[-1]
        command = f"perfkit bisect {printable(newest.case)} {_commit(newest.good)} {_commit(newest.bad)} -- COMMAND"
        ending.append(f"which commit it was: {command}")
    return "\n".join([*lines, *(part for line in ending for part in fold(line, width))])


def _table(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Columns whose last is folded; a paragraph a row where it would get too little."""
    *widths, _ = (max(map(cell_width, column)) for column in zip(HEADINGS, *rows, strict=True))
    if sum(widths) + len(widths) + _NARROWEST_LAST > width:
        merged = [("  ".join(row[:3]), *row[3:]) for row in rows]
        return list(columns(("", *HEADINGS[3:]), merged, width))
    out = io.StringIO()
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(file=out, width=width, color_system=None, markup=False, emoji=False, highlight=False).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def groups_of(trends: Sequence[Trend]) -> Iterator[Sequence[Trend]]:
    """Each change, or many of the same night together."""
    alike: dict[tuple[object, ...], list[Trend]] = {}
    for trend in trends:
        where = trend.before, trend.date, trend.good, trend.bad
        how = trend.kind, trend.worse, trend.metric, trend.hardware, trend.change_pct is None
        alike.setdefault((*where, *how), []).append(trend)
    for group in alike.values():
        if len(group) >= _ALIKE:
            yield group
        else:
            yield from ([trend] for trend in group)


def cells_of(group: Sequence[Trend]) -> tuple[str, ...]:
    """What HEADINGS name, as printable text."""
    first, least = max(group, key=_size), min(group, key=_size)
    changed = ", ".join(f"{each.what} {each.before} -> {each.after}" for each in first.software)
    dates = first.date if first.kind == "step" else f"{first.before} to {first.date}"
    return (
        dates,
        ("▼" if first.worse else "▲") + f" {first.kind}",
        printable(first.case) + (f" and {len(group) - 1} more" if len(group) > 1 else ""),
        printable(first.metric),
        told_change(first) if len(group) == 1 else f"{_told_size(least)} to {_told_size(first)}",
        f"{_commit(first.good)}..{_commit(first.bad)}" if first.good else NOTHING,
        clip(printable(changed), 3 * _LONGEST_WORD) or NOTHING,
    )


def told_change(trend: Trend) -> str:
    """A percentage, or where there is none both levels: ``+9.1%``, ``0 -> 5``."""
    if trend.level_before is None or trend.level_after is None:
        return _told_size(trend)
    return f"{trend.level_before:z.{_DIGITS}g} -> {trend.level_after:z.{_DIGITS}g}"


def _told_size(trend: Trend) -> str:
    return f"{_difference(trend):+z.{_DIGITS}g}" if trend.change_pct is None else format_change(trend.change_pct)


def _size(trend: Trend) -> float:
    return abs(_difference(trend) if trend.change_pct is None else trend.change_pct)


def _difference(trend: Trend) -> float:
    return (trend.level_after or 0.0) - (trend.level_before or 0.0)


def _can_be_bisected(trend: Trend) -> bool:
    return trend.good != trend.bad and all(commit and "+" not in commit for commit in (trend.good, trend.bad))


def _commit(commit: str) -> str:
    return short_commit(printable(commit))
