"""What the commands of ``perfkit baseline`` share: which file is meant, and how a level is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfkit.errors import UserError
from perfkit.record.baseline import FOLDER, baseline_files
from perfkit.record.dates import day
from perfkit.record.replicate import short_commit
from perfkit.report.text import shorten
from perfkit.report.units import NOTHING, format_change, format_speedup, format_time
from perfkit.untrusted import exists

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.judge.levels import CaseLevel
    from perfkit.record.provenance import Change

_LONGEST_CASE = 60

ResultsOption = Annotated[Path, typer.Option("--results", help="The folder that holds baselines/.")]
NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="BASELINE", help="A file, or its name in results/baselines without .json.  [default: the only one]"
    ),
]


def find_file(name: str | None, results: Path) -> Path:
    """The file that a user means; raises UserError where there is none, or more than one."""
    if name is not None:
        named = results / FOLDER / f"{name}.json"
        return named if exists(named) else Path(name)
    files = baseline_files(results / FOLDER)
    if not files:
        raise UserError(f"no baseline in {results / FOLDER}; perfkit promote makes one")
    if len(files) > 1:
        raise UserError(f"{len(files)} baselines in {results / FOLDER}: name one of {_names(files)}")
    return files[0]


def case_names(levels: Iterable[CaseLevel]) -> dict[str, str]:
    """The cases short enough for a table, different ones staying different."""
    return shorten((str(level.case) for level in levels), _LONGEST_CASE)


def level_cells(level: CaseLevel | None) -> tuple[str, str]:
    """Speedup and wall latency as people read them."""
    if level is None:
        return NOTHING, NOTHING
    speedup = NOTHING if level.speedup is None else format_speedup(level.speedup)
    return speedup, format_time(level.level.wall.variant_s)


def percent_cell(percent: float | None) -> str:
    """A signed percentage; - for none."""
    return NOTHING if percent is None else format_change(percent)


def level_json(level: CaseLevel | None) -> dict[str, Any] | None:
    """A level for scripts: speedups as factors, times in seconds."""
    if level is None:
        return None
    anchor = level.anchor
    return {
        "case": str(level.case),
        "replicates": level.level.replicates,
        "newest": level.level.datetime,
        "metrics": {str(metric): number for metric, number in level.numbers.items()},
        "anchor": None if anchor is None else anchor.model_dump(mode="json", exclude_none=True),
        "since_anchor_pct": level.since_anchor_pct,
    }


def change_lines(changes: Iterable[Change]) -> list[str]:
    """Who changed a baseline, when and why, an entry and then what it concerns."""
    lines = []
    for change in changes:
        which = f" of {change.cases}" if change.cases else ""
        runs = ", ".join(f"{run.file} ({short_commit(run.commit) or 'no commit'})" for run in change.runs)
        why = f": {change.reason}" if change.reason else ""
        lines.append(f"{day(change.datetime)} {change.action}{which} by {change.by}{why}")
        lines += [f"    {text}" for text in ([f"runs: {runs}"] if runs else [])]
        lines += [f"    accepted: {text}" for text in change.accepted]
        lines += [f"    anchor moved: {text}" for text in change.anchors_moved]
    return lines


def _names(files: Iterable[Path]) -> str:
    return ", ".join(path.stem for path in files)
