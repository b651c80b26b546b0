"""perfkit in Python: the same ways that the command line takes, for notebooks and scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import UserError
from perfkit.record.baseline import AUTO, DEFAULT_RESULTS, GIT_PREFIX, NONE, Baseline
from perfkit.record.replicate import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.judge.verdict import Judgement

_Path = str | Path


def load_run(path: _Path) -> list[Run]:
    """The replicates of one run: of a file, or of every ``*.json`` in a folder, in the order of their dates.

    Reads what perfkit and pytest-benchmark (versions 4 and 5) write. Raises UserError for what can't be read.
    """
    from perfkit.record.read import read_runs

    return read_runs(Path(path))


def load_baseline(
    spec: _Path = AUTO, *, run: Run | Sequence[Run] | None = None, results: _Path = DEFAULT_RESULTS
) -> Baseline:
    """A baseline: a path to its file, to a run or to a folder of runs; ``auto`` or ``git:REF`` for a run's hardware.

    ``results`` is the folder that holds ``baselines/``. Raises UserError where there is none or it can't be read.
    """
    from perfkit.record import baseline

    text = str(spec)
    if text not in (AUTO, NONE) and not text.startswith(GIT_PREFIX):
        return baseline.read_baseline(Path(spec))
    if run is None:
        raise UserError(f"{text!r} means the baseline of a run's hardware: give run=load_run(...), or a path")
    first = run if isinstance(run, Run) else run[0]
    found = baseline.load_baseline(text, hardware=first.hardware, results=Path(results))
    if found is None:
        raise UserError(f"{text!r}: no baseline of this hardware in {Path(results) / baseline.FOLDER}")
    return found


def compare(
    baseline: Baseline | _Path | None, run: Run | Sequence[Run] | _Path, *, project: _Path | None = "."
) -> Judgement:
    """Judge a run against a baseline, as ``perfkit compare`` does; None as baseline: every case is NEW.

    ``project`` is the folder whose limits (``perfkit.toml``) and waivers (``perfkit-waivers.toml``) count; None: the
    rule's own limits and no waivers. Raises UserError for what can't be read.
    """
    from perfkit.catalog.config import load_config
    from perfkit.catalog.waivers import load_waivers
    from perfkit.judge.compare import judge
    from perfkit.judge.limits import Limits

    runs = load_run(run) if isinstance(run, str | Path) else [run] if isinstance(run, Run) else list(run)
    if not runs:
        raise UserError("no run to judge: the list is empty")
    known = load_baseline(baseline, run=runs) if isinstance(baseline, str | Path) else baseline
    if project is None:
        return judge(known, runs)
    folder = Path(project)
    return judge(known, runs, Limits.of(load_config(folder)), load_waivers(folder))
