"""``perfkit run`` on this process's own device: its replicates, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError
from perfkit.judge.compare import judge
from perfkit.record.baseline import FOLDER, load_baseline
from perfkit.record.journal import SUFFIX, Expected, read_journal
from perfkit.record.lock import locked_folder
from perfkit.record.read import read_run
from perfkit.replicates.processes import LostReplicate, finished_replicate, measure_replicate, those_not_lost
from perfkit.replicates.repeats import cases_in_doubt, narrowed
from perfkit.replicates.request import begin, identity_of_run
from perfkit.tell import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from perfkit.judge.verdict import Judgement
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run
    from perfkit.replicates.budgeted import Budget
    from perfkit.replicates.request import Request, Wanted


def run_here(wanted: Wanted, folder: Path, *, is_resumed: bool, shown: Callable[..., int]) -> int:
    """Measures the run, or goes on with it, in its folder; the exit code.

    ``shown`` shows and keeps how it came out, and returns its exit code. Raises UserError where nothing can be
    measured.
    """
    request = wanted.request
    if not is_resumed:
        begin(folder, request)
    with locked_folder(folder, refusal="another process is measuring it") as held:
        arguments = [*request.arguments, *_shard_arguments(request, wanted.results)]
        identity = identity_of_run(folder) if is_resumed else None
        measuring = _Measuring(folder, arguments, held, wanted.budget, identity)
        try:
            runs, known = _replicates(measuring, wanted)
            judgement = _repeated(known, runs, measuring, wanted)
        except KeyboardInterrupt:
            tell(f"interrupted; perfkit run --resume {folder} goes on")
            raise
        return shown(folder, request, runs, judgement, wanted.budget.dropped if wanted.budget is not None else {})


@dataclass(frozen=True)
class _Measuring:
    """One run's replicates; what an earlier process has finished of them is read."""

    folder: Path
    arguments: list[str]
    held: int
    """The descriptor of the lock on the folder."""
    budget: Budget | None
    identity: dict[str, str] | None

    def is_there(self, name: str) -> bool:
        """Whether an earlier process has begun or finished it."""
        return any((self.folder / name).with_suffix(suffix).exists() for suffix in (".json", SUFFIX))

    def left_of(self, name: str) -> list[CaseId]:
        """The cases that are left of a replicate that was begun."""
        journal = (self.folder / name).with_suffix(SUFFIX)
        known = read_journal(journal) if journal.exists() else None
        if known is None or not known.sessions:
            return []
        return [planned.case for planned in known.remaining if planned.case is not None]

    def incomplete(self, name: str) -> Run | None:
        """What there is of a replicate that was broken off."""
        path = self.folder / f"{name}.json"
        return read_run(path) if path.exists() else None

    def replicate(self, name: str, arguments: list[str], dropped: Sequence[CaseId] = ()) -> Run:
        """Raises LostReplicate and UserError as measuring one does."""
        path = self.folder / f"{name}.json"
        if (found := finished_replicate(path)) is not None:
            return found
        why = self.budget.why if self.budget is not None else ""
        expected = Expected(identity=self.identity, dropped=list(dropped), why_dropped=why)
        return measure_replicate(arguments, path, held=self.held, expected=expected)


def _shard_arguments(request: Request, results: Path) -> list[str]:
    """For pytest, which knows the plan. Reviewed baselines are the same for all machines that have the same commit."""
    if request.shard is None:
        return []
    return [f"--perfkit-shard={request.shard}", f"--perfkit-divided-by={(results / FOLDER).absolute()}"]


def _replicates(measuring: _Measuring, wanted: Wanted) -> tuple[list[Run], Baseline | None]:
    """The replicates that could be measured, and the baseline of their hardware.

    Raises UserError where there is none, and for a baseline that can't be read.
    """
    runs: list[Run] = []
    known: Baseline | None = None
    of = wanted.request.replicates

    def measured(number: int) -> Run | None:
        name, dropped = f"replicate-{number}", list[CaseId]()
        # How long a replicate takes, and of what, only a whole one tells.
        whole = [run for run in runs if run.incomplete is None]
        if measuring.budget is not None and whole and not measuring.is_there(name):
            fitting = measuring.budget.drop(number, of, whole, known)
            if fitting is None:
                return None
            dropped = fitting
        tell(f"replicate {number} of {of}")
        return measuring.replicate(name, measuring.arguments, dropped)

    for run in those_not_lost(range(1, of + 1), measured):
        if not runs:
            # Which file this hardware's is; what is wrong with it is said now, not after the last replicate.
            known = load_baseline(wanted.request.baseline, hardware=run.hardware, results=wanted.results)
        runs.append(run)
    return runs, known


def _repeated(baseline: Baseline | None, runs: list[Run], measuring: _Measuring, wanted: Wanted) -> Judgement:
    """The judgement once every doubtful case was measured again as often as asked for; ``runs`` grows by that."""
    judgement = judge(baseline, runs, wanted.limits, wanted.waivers)
    for number in range(1, wanted.request.repeats + 1):
        in_doubt = cases_in_doubt(judgement)
        name = f"repeat-{number}"
        # One that was begun is gone on with, even if its cases aren't in doubt any more: else the run would never end.
        doubtful = measuring.left_of(name) or [row.case for row in in_doubt]
        if in_doubt and measuring.budget is not None and not measuring.is_there(name):
            doubtful = measuring.budget.fitting(name, in_doubt, runs)
        if not doubtful:
            break
        count = f"{len(doubtful)} of {len(judgement.rows)} cases are in doubt"
        tell(f"repeat {number} of at most {wanted.request.repeats}: {count}")
        try:
            runs.append(measuring.replicate(name, narrowed(measuring.arguments, doubtful)))
        except (LostReplicate, UserError) as error:  # what was measured before is judged all the same
            tell(f"repeat {number} is lost: {error}")
            if (kept := measuring.incomplete(name)) is None:
                continue
            runs.append(kept)
        judgement = judge(baseline, runs, wanted.limits, wanted.waivers)
    return judgement
