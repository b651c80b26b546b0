"""The picture of docs/study.md: what each rule catches against how often it alarms in clean nights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

TITLES = {
    "cpu": "CPU, 2 shared cores",
    "h100": "H100, queued",
    "h100-replayed": "H100, replayed",
    "h100-graphs": "H100, with graphs",
    "h100-repeated": "H100, behind themselves",
    "h200-nights": "H200, behind themselves",
    "h200-cold": "H200, emptied cache (now)",
}
SHOWN = ("5%", "10%")
"""Slowdowns, a row of panels each."""
_OURS, _THEIRS = "#0b6e4f", "#555555"
_MARKERS = "os^vDP<>*"
"""A rule each, in the order of the table."""


def draw(outcomes: Mapping[str, Mapping[str, Any]], target: Path) -> None:
    """Writes an SVG file: a column a machine, a row a slowdown, a dot a rule; five processes against three."""
    mpl.rcParams.update({"svg.hashsalt": "perfkit", "svg.fonttype": "none", "font.size": 8})
    figure = Figure(figsize=(14, 7), layout="constrained")
    panels = figure.subplots(len(SHOWN), len(outcomes), sharex=True, sharey=True, squeeze=False)
    for column, (name, outcome) in enumerate(outcomes.items()):
        split = outcome["splits"][0]
        for row, size in enumerate(SHOWN):
            panel: Axes = panels[row][column]
            panel.set_title(f"{TITLES[name]}\none case slower by {size}")
            _dots(panel, split["rules"], size)
    for panel in panels[-1]:
        panel.set_xlabel("clean nights with an alarm, %")
    for line in panels:
        line[0].set_ylabel("caught, %")
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(target, metadata={"Date": None})


def _dots(panel: Axes, rules: Mapping[str, Mapping[str, Any]], size: str) -> None:
    panel.set_xlim(-3, 103)
    panel.set_ylim(-3, 103)
    panel.axvline(5, color=_OURS, linewidth=0.6, linestyle=":")
    # What is left open is no alarm, and can't be drawn against alarms.
    drawn = [rule for rule in rules if "INCONCLUSIVE" not in rule]
    for rule, marker in zip(drawn, _MARKERS, strict=True):
        x, y = 100 * rules[rule]["nights_with_alarm"], 100 * rules[rule]["caught"][size]
        ours = rule == "perfkit"
        panel.plot(x, y, marker, color=_OURS if ours else _THEIRS, markersize=9 if ours else 6, label=rule)
