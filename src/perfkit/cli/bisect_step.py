"""One commit of ``perfkit bisect``: measure, judge, and tell git bisect run by the exit code.

A program of its own, ``python -m perfkit.cli.bisect_step STATE``, because git starts it anew for each commit.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError
from perfkit.history.location import OFF, VARIABLE
from perfkit.judge.compare import judge
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import FOLDER, read_baseline
from perfkit.record.git import git_text
from perfkit.record.json_file import read_json_object
from perfkit.record.model import Model
from perfkit.record.read import read_run
from perfkit.record.replicate import short_commit
from perfkit.record.write import write_run_json
from perfkit.report.units import format_change
from perfkit.tell import tell

if TYPE_CHECKING:
    from perfkit.judge.limits import Limits
    from perfkit.judge.verdict import Row
    from perfkit.record.replicate import Run

GOOD, BAD, SKIP, ABORT = 0, 1, 125, 128
"""What git bisect run takes an exit code for."""
_STANDARD_ERROR = 2


class Step(Model):
    """What is asked of every commit."""

    case: str
    command: tuple[str, ...]
    repeats: int
    results: str
    baseline: str
    """A folder with the good commit's run files."""
    log: str

    def note(self, commit: str, verdict: Verdict | None, told: str) -> None:
        """Keep what a commit said."""
        entry = {"commit": commit, "verdict": verdict or "SKIPPED", "told": told}
        with Path(self.log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def noted(self) -> list[dict[str, str]]:
        """What every commit said, in the order of measuring."""
        log = Path(self.log)
        lines = log.read_text("utf-8").splitlines() if log.exists() else []
        entries: list[dict[str, str]] = [json.loads(line) for line in lines]
        return entries


def measure(step: Step, keep: Path | None = None) -> list[Run]:
    """The runs that the command leaves below the results folder, where they have the case or had planned it.

    With `keep` copies go into that folder. Raises UserError where it leaves none.
    """
    before = set(_files(step).values())
    try:
        # Its own exit code says how the run was judged against another baseline, or nothing. Tonight's times of old
        # commits are no history.
        environment = {**os.environ, VARIABLE: OFF}
        subprocess.run(step.command, check=False, stdout=_STANDARD_ERROR, env=environment)  # noqa: S603 - the user's
    except OSError as error:
        raise UserError(f"{step.command[0]}: cannot be started: {error.strerror}") from error
    runs = []
    for path in sorted(path for path, digest in _files(step).items() if digest not in before):
        run = read_run(path)
        if any(str(outcome.case) == step.case for outcome in run.outcomes):
            runs.append(run)
            if keep is not None:
                write_run_json(keep / f"{run.replicate.run_id}.json", read_json_object(path))
    if not runs:
        raise UserError(f"the command left no run of {step.case} below {step.results}: {' '.join(step.command)}")
    return runs


def unfit(step: Step, runs: list[Run], limits: Limits) -> str | None:
    """Why the good commit's runs are nothing to judge others against, in a line; None where they are.

    One BROKEN run among sound ones is enough: where the good commit breaks now and then, a later one that breaks
    hasn't begun it.
    """
    judgement = judge(None, runs, limits)
    row = next((row for row in judgement.rows if str(row.case) == step.case), None)
    if row is not None and row.verdict is Verdict.NEW:
        return None
    if row is not None:
        return f"{step.case} is {row.verdict} at GOOD already: {row.reason}"
    if judgement.refusal is not None and not judgement.rows:
        return f"{step.case} can't be judged at GOOD: {judgement.refusal.text}"
    outcomes = [outcome for run in runs for outcome in run.outcomes if str(outcome.case) == step.case]
    reason = next((outcome.reason for outcome in outcomes if outcome.reason), "no reason told")
    return f"{step.case} is left out at GOOD already: {reason}"


def verdict_of(step: Step, limits: Limits) -> tuple[Verdict | None, str]:
    """The judge's verdict on the case at this commit, and a line about it; None where there is nothing to judge."""
    baseline = read_baseline(Path(step.baseline))
    runs: list[Run] = []
    row: Row | None = None
    for _ in range(1 + step.repeats):
        try:
            runs += measure(step)
        except UserError as error:
            return None, str(error)
        judgement = judge(baseline, runs, limits)
        if judgement.refusal is not None and not any(row.verdict.fails for row in judgement.rows):
            return None, judgement.refusal.text
        row = next((row for row in judgement.rows if str(row.case) == step.case), None)
        if row is None:
            return None, "left out on both sides"
        if row.verdict is not Verdict.INCONCLUSIVE:
            break
    assert row is not None
    return row.verdict, _numbers(row)


def _numbers(row: Row) -> str:
    change = row.metric(row.deciding) if row.deciding is not None else None
    told = "" if change is None or change.change_pct is None else f"{change.metric} {format_change(change.change_pct)}"
    return ", ".join(part for part in (told, row.reason) if part)


def _files(step: Step) -> dict[Path, str]:
    """Every run file with a digest of what it holds.

    A command may write the same file each time, so a name isn't enough; or copy older runs there once more, so a date
    isn't either: these would be judged as runs of this commit.
    """
    found = Path(step.results).rglob("*.json")
    paths = (path for path in found if not path.name.startswith(".") and path.parent.name != FOLDER)
    return {path: _digest(path) for path in paths if path.is_file()}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path)  # if it is new, reading it says what is wrong


def main(state: str) -> int:
    """Judge the commit that is checked out; what it says is noted beside the state."""
    from perfkit.catalog.config import load_config
    from perfkit.judge.limits import Limits

    step = Step.model_validate_json(Path(state).read_text("utf-8"))
    try:
        commit = git_text(Path(), "rev-parse", "HEAD").strip()
        verdict, told = verdict_of(step, Limits.of(load_config(Path())))
    except UserError as error:
        tell(str(error))
        return ABORT
    except KeyboardInterrupt:
        return ABORT
    except Exception:
        traceback.print_exc()
        return ABORT  # Python's own code for it would call the commit bad
    step.note(commit, verdict, told)
    tell(f"{short_commit(commit)} {verdict or 'SKIPPED'} {told}")
    return code_of(verdict)


def code_of(verdict: Verdict | None) -> int:
    """Good, bad, or a commit that says nothing."""
    if verdict is None or verdict in (Verdict.INCONCLUSIVE, Verdict.NEW):
        return SKIP
    return BAD if verdict.fails else GOOD


if __name__ == "__main__":
    arguments: Any = sys.argv[1:]
    sys.exit(main(*arguments))
