"""``perfkit baseline diff``: what a change of a baseline means, case by case."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.baseline.common import (
    NameArgument,
    ResultsOption,
    case_names,
    change_lines,
    find_file,
    level_cells,
    level_json,
    percent_cell,
)
from perfkit.cli.output import JsonOption, terminal_width, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.levels import LevelChange, level_changes
from perfkit.record.baseline import DEFAULT_RESULTS, GIT_PREFIX, Baseline, load_baseline, read_baseline
from perfkit.record.hardware import same_hardware
from perfkit.report.columns import columns
from perfkit.report.text import fold, printable

_HEADINGS = ("case", "what", "replicates", "speedup", "latency", "level", "since anchor")
_ARROW = " → "


def diff_baseline(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="A baseline file, or git:REF for the file of that commit.")
    ] = "git:HEAD",
    new: NameArgument = None,
    results: ResultsOption = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Show what changed from OLD to BASELINE, for the review of a promotion. It gates nothing: 0 either way."""
    after = read_baseline(find_file(new, results))
    before = _old(old, after, results)
    if not same_hardware(before.hardware, after.hardware):
        raise UserError(f"{before.source} and {after.source} are of different hardware: nothing to compare")
    changes = level_changes(before, after)
    added = [change for change in after.changes if change not in before.changes]
    if as_json:
        told = {
            "before": before.source,
            "after": after.source,
            "cases": [_as_json(change) for change in changes],
            "changes": [change.model_dump(mode="json") for change in added],
        }
        write(json.dumps(told, indent=2) + "\n")
        return ExitCode.PASS
    width = terminal_width()
    lines = fold(printable(f"{before.source}{_ARROW}{after.source}"), width)
    if changes:
        names = case_names(level for change in changes for level in (change.before, change.after) if level)
        lines += ["", *columns(_HEADINGS, [_row(change, names) for change in changes], width), ""]
    else:
        lines.append("no case differs")
    lines += [part for line in change_lines(added) for part in fold(printable(line), width)]
    write("\n".join(lines) + "\n")
    return ExitCode.PASS


def _old(spec: str, after: Baseline, results: Path) -> Baseline:
    if not spec.startswith(GIT_PREFIX):
        return read_baseline(find_file(spec, results))
    found = load_baseline(spec, hardware=after.hardware, results=Path(after.source).parent.parent)
    if found is None:
        raise UserError(f"{spec} has no baseline of this hardware: everything in {after.source} is new")
    return found


def _row(change: LevelChange, names: dict[str, str]) -> list[str]:
    sides = (change.before, change.after)
    replicates = _ARROW.join(str(side.level.replicates if side else 0) for side in sides)
    speedup, latency = (_ARROW.join(cells) for cells in zip(*map(level_cells, sides), strict=True))
    anchor = None if change.after is None else change.after.since_anchor_pct
    what = _what(change)
    return [
        names[str(change.case)],
        what,
        replicates,
        speedup,
        latency,
        f"measured otherwise ({change.otherwise})" if change.otherwise else percent_cell(change.faster_pct),
        percent_cell(anchor),
    ]


def _what(change: LevelChange) -> str:
    if change.before is None:
        return "added"
    return "removed" if change.after is None else "changed"


def _as_json(change: LevelChange) -> dict[str, object]:
    return {
        "case": str(change.case),
        "what": _what(change),
        "before": level_json(change.before),
        "after": level_json(change.after),
        "faster_pct": change.faster_pct,
    }
