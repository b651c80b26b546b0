"""``perfkit baseline show``: the levels of a baseline, their anchors, and where they came from."""

import json
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
from perfkit.judge.levels import CaseLevel, levels_of
from perfkit.judge.objections import chooser
from perfkit.record.baseline import DEFAULT_RESULTS, Baseline, read_baseline
from perfkit.record.dates import day
from perfkit.record.hardware import describe_hardware
from perfkit.report.columns import columns
from perfkit.report.text import fold, printable

_HEADINGS = ("case", "replicates", "newest", "speedup", "latency", "anchor", "since anchor")


def show_baseline(
    name: NameArgument = None,
    cases: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Only the cases whose MODEL/VARIANT/SHAPE fits.  [default: all]")
    ] = None,
    results: ResultsOption = DEFAULT_RESULTS,
    as_json: JsonOption = False,
) -> int:
    """Show each case's level and how far it is from its anchor, and who promoted what and why."""
    path = find_file(name, results)
    baseline = read_baseline(path)
    levels = levels_of(baseline, chooser(cases))
    if not levels:
        raise UserError(f"{path}: no case " + ("has an undisturbed sample" if cases is None else f"fits {cases!r}"))
    if as_json:
        write(json.dumps(_as_json(baseline, levels), indent=2) + "\n")
        return ExitCode.PASS
    names, width = case_names(levels), terminal_width()
    rows = [_row(level, names) for level in levels]
    head = [baseline.source, describe_hardware(baseline.hardware)]
    lines = [part for line in head for part in fold(printable(line), width)]
    lines += ["", *columns(_HEADINGS, rows, width), ""]
    lines += [part for line in change_lines(baseline.changes) for part in fold(printable(line), width)]
    if not baseline.changes:
        lines += fold("where it came from isn't known: it was promoted before baselines kept that", width)
    write("\n".join(lines) + "\n")
    return ExitCode.PASS


def _row(level: CaseLevel, names: dict[str, str]) -> list[str]:
    anchor = day(level.anchor.datetime) if level.anchor is not None else ""
    since = percent_cell(level.since_anchor_pct)
    newest = day(level.level.datetime)
    return [names[str(level.case)], str(level.level.replicates), newest, *level_cells(level), anchor, since]


def _as_json(baseline: Baseline, levels: list[CaseLevel]) -> dict[str, object]:
    return {
        "source": baseline.source,
        "hardware": baseline.hardware.model_dump(mode="json"),
        "reason": baseline.reason,
        "cases": [level_json(level) for level in levels],
        "changes": [change.model_dump(mode="json") for change in baseline.changes],
    }
