"""The reports that a run was asked for. By now it is saved and judged: nothing that goes wrong here may change that."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError
from perfkit.record.details import baseline_details, details_from_json
from perfkit.report.destination import write_whole
from perfkit.report.exporter import PAST, Report, load_exporter
from perfkit.report.past import Past, read_past
from perfkit.report.text import printable

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement
    from perfkit.plugin.state import RunState
    from perfkit.record.replicate import Run


def write_reports(state: RunState, judgement: Judgement, run: Run, data: dict[str, Any]) -> list[str]:
    """Writes every report that was asked for; returns a line for each, with the reason where one couldn't be written.

    An exception that isn't the user's is a bug, but of a report: it is told with its traceback, and the run ends with
    its verdict.
    """
    if not state.options.reports:
        return []
    report = Report(
        judgement=judgement,
        runs=(run,),
        baseline=state.baseline,
        details=(details_from_json(data, run.source),),
        baseline_details=tuple(baseline_details(state.options.baseline)),
    )
    lines = []
    for form, path in state.options.reports:
        try:
            whole = replace(report, past=_past(state, judgement)) if form in PAST else report
            write_whole(path, load_exporter(form)(whole))
        except UserError as error:
            lines.append(f"no {form} report: {printable(str(error))}")
        except Exception:
            lines.append(f"no {form} report at {printable(str(path))}, by a bug of perfkit:\n{traceback.format_exc()}")
        else:
            lines.append(f"{form} report: {printable(str(path))}")
    return lines


def _past(state: RunState, judgement: Judgement) -> Past:
    """What the history has from before this run."""
    return read_past({row.case for row in judgement.rows}, judgement.run.hardware, state.results)
