"""What of a run isn't there: a report shows the rest and says so; judging refuses such a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from perfkit.errors import UserError
from perfkit.judge.verdict import Finding, FindingKind
from perfkit.record.read import read_run, run_files
from perfkit.record.schema import Status
from perfkit.untrusted import exists, is_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from perfkit.judge.verdict import Judgement
    from perfkit.record.replicate import Run

_LEFTOVER = ".unreadable"
"""What ``perfkit run`` calls a replicate that it couldn't take."""
_NUMBERED = re.compile(r"replicate-(\d+)\.(?:json|journal)")
_DESELECTED = "deselected"
"""A case that somebody left out is no gap."""


def read_what_is_there(paths: Iterable[Path]) -> tuple[list[Run], list[str]]:
    """The runs of files and folders, and a line for everything that is missing.

    Raises UserError where nothing is left to show, and for a path that isn't there at all: a typing error is no gap.
    """
    runs: list[Run] = []
    gaps: list[str] = []
    for path in paths:
        if not exists(path):
            raise UserError(f"{path}: there is no such file or folder")
        files = run_files(path) if is_folder(path) else [path]
        for file in files:
            try:
                runs.append(read_run(file))
            except UserError as error:
                gaps.append(f"can't be read: {error}")
        if is_folder(path):
            gaps += _lost_replicates(path, files)
    if not runs:
        raise UserError("; ".join(gaps) or "the folders hold no run (*.json)")
    return runs, [*gaps, *_cut_short(runs)]


def with_gaps(judgement: Judgement, gaps: Sequence[str]) -> Judgement:
    """The judgement with the gaps as its first findings. Its verdicts are of what was there."""
    found = tuple(Finding(kind=FindingKind.INCOMPLETE, text=gap) for gap in gaps)
    return judgement.model_copy(update={"findings": (*found, *judgement.findings)})


def _lost_replicates(folder: Path, files: Sequence[Path]) -> Iterator[str]:
    for leftover in sorted(file for file in folder.iterdir() if file.suffix == _LEFTOVER):
        yield f"a replicate is lost: {leftover}"
    numbers = {int(found[1]) for file in files if (found := _NUMBERED.fullmatch(file.name))}
    absent = sorted(set(range(1, max(numbers, default=0))) - numbers)
    if absent:
        yield f"a replicate is lost: {folder} has no {', '.join(f'replicate-{number}.json' for number in absent)}"


def _cut_short(runs: Iterable[Run]) -> Iterator[str]:
    for run in runs:
        lost = [o for o in run.outcomes if o.status is Status.NOT_RUN and o.reason != _DESELECTED]
        if lost:
            count = f"{len(lost)} of its {len(run.outcomes)} cases have no times"
            yield f"{run.source} ended early: {count} ({lost[0].reason})"
