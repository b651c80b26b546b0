"""Two builds layer by layer, as text: sums by kind, then the layers that differ."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from perfkit.report.text import clip, printable
from perfkit.report.units import NOTHING, format_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfkit.explain.diff import KindSum, LayerChange
    from perfkit.explain.explained import Explained

_WIDTH = 160
_LONGEST_NAME, _LONGEST_TACTIC = 60, 30


def render(explained: Explained, most: int) -> str:
    """The text, ending with a newline; of the layers that differ at most so many."""
    out = io.StringIO()
    # Names of layers have brackets; they are no markup.
    console = Console(file=out, width=_WIDTH, color_system=None, markup=False, emoji=False)
    sides = zip("AB", explained.names, explained.operators, explained.layers, strict=True)
    for letter, name, operators, layers in sides:
        reformats = sum(layer.is_reformat for layer in layers)
        total_s = sum(layer.time_s.get(explained.shape, 0.0) for layer in layers)
        took = f", {format_time(total_s)} at {explained.shape}" if explained.shape else ""
        made = f"{len(layers)} layers" + (f" of {operators} operators" if operators is not None else "")
        console.print(f"{letter}: {printable(name)}: {made}, {reformats} reformats{took}")
    if explained.shape:
        console.print("Times are each backend's own profile, which slows an engine down: no latencies.")
    console.print(_sums(explained.sums))
    if not explained.changes:
        console.print("no layer differs")
        return out.getvalue()
    console.print(_changes(explained.changes[:most]))
    if len(explained.changes) > most:
        console.print(f"and {len(explained.changes) - most} more; --most shows them")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _sums(rows: Sequence[KindSum]) -> Table:
    table = _table("kind", "precision", "layers A", "B", "time A", "B", "B - A")
    for row in rows:
        table.add_row(
            clip(printable(row.kind), _LONGEST_TACTIC),
            clip(printable(row.precision), _LONGEST_TACTIC),
            str(row.before or NOTHING),
            str(row.after or NOTHING),
            _time(row.before_s),
            _time(row.after_s),
            _difference(row.after_s - row.before_s),
        )
    return table


def _changes(changes: Sequence[LayerChange]) -> Table:
    table = _table("change", "what it computes", "precision A", "B", "tactic A", "B", "time A", "B", "B - A")
    for change in changes:
        table.add_row(
            change.kind,
            _tail(printable(change.name)),
            *(_joined(layer.precision for layer in side) for side in (change.before, change.after)),
            *(_joined(layer.tactic or "" for layer in side) for side in (change.before, change.after)),
            _time(change.before_s),
            _time(change.after_s),
            _difference(change.difference_s),
        )
    return table


def _tail(name: str) -> str:
    """The end of a long name: what it begins with is the same for all."""
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _joined(values: Iterable[str]) -> str:
    words = dict.fromkeys(value for value in values if value)
    return clip(printable(", ".join(words)), _LONGEST_TACTIC) or NOTHING


def _time(seconds: float | None) -> str:
    return format_time(seconds) if seconds else NOTHING


def _difference(seconds: float) -> str:
    return f"{'+' if seconds > 0 else '-'}{format_time(abs(seconds))}" if seconds else NOTHING
