"""Two builds layer by layer, as text: sums by kind, then the layers that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.columns import columns
from perfkit.report.text import clip, fold, printable
from perfkit.report.units import NOTHING, format_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.explain.diff import KindSum, LayerChange
    from perfkit.explain.explained import Explained

_LONGEST_NAME, _LONGEST_TACTIC = 60, 30


def render(explained: Explained, most: int, width: int) -> str:
    """The text in lines of at most `width` columns, ending with a newline; of what differs the first `most`."""
    lines = []
    sides = zip("AB", explained.names, explained.operators, explained.layers, strict=True)
    for letter, name, operators, layers in sides:
        reformats = sum(layer.is_reformat for layer in layers)
        total_s = sum(layer.time_s.get(explained.shape, 0.0) for layer in layers)
        took = f", {format_time(total_s)} at {explained.shape}" if explained.shape else ""
        made = f"{len(layers)} layers" + (f" of {operators} operators" if operators is not None else "")
        lines += fold(f"{letter}: {printable(name)}: {made}, {reformats} reformats{took}", width)
    if explained.shape:
        lines += fold("Times are each backend's own profile, which slows an engine down: no latencies.", width)
    lines += columns(_SUM_HEADINGS, [_sum(row) for row in explained.sums], width)
    if not explained.changes:
        return "\n".join([*lines, "no layer differs"]) + "\n"
    lines += ["", *columns(_CHANGE_HEADINGS, [_change(change) for change in explained.changes[:most]], width)]
    if len(explained.changes) > most:
        lines.append(f"and {len(explained.changes) - most} more; --most shows them")
    return "\n".join(lines) + "\n"


_SUM_HEADINGS = ("kind", "precision", "layers A", "B", "time A", "B", "B - A")
_CHANGE_HEADINGS = (
    "what it computes",
    "change",
    "precision A",
    "B",
    "tactic A",
    "B",
    "time A",
    "B",
    "B - A",
)


def _sum(row: KindSum) -> list[str]:
    return [
        clip(printable(row.kind), _LONGEST_TACTIC),
        clip(printable(row.precision), _LONGEST_TACTIC),
        str(row.before or NOTHING),
        str(row.after or NOTHING),
        _time(row.before_s),
        _time(row.after_s),
        _difference(row.after_s - row.before_s),
    ]


def _change(change: LayerChange) -> list[str]:
    return [
        _tail(printable(change.name)),
        change.kind,
        *(_joined(layer.precision for layer in side) for side in (change.before, change.after)),
        *(_joined(layer.tactic or "" for layer in side) for side in (change.before, change.after)),
        _time(change.before_s),
        _time(change.after_s),
        _difference(change.difference_s),
    ]


def _tail(name: str) -> str:
    """The end of a long name: what it begins with is the same for all."""
    return name if len(name) <= _LONGEST_NAME else "…" + name[1 - _LONGEST_NAME :]


def _joined(values: Iterable[str]) -> str:
    words = dict.fromkeys(value for value in values if value)
    return clip(printable(", ".join(words)), _LONGEST_TACTIC) or NOTHING


def _time(seconds: float | None) -> str:
    return format_time(seconds) if seconds else NOTHING


def _difference(seconds: float) -> str:
    return f"{'+' if seconds > 0 else '-'}{format_time(abs(seconds))}" if seconds else NOTHING
