"""A replicate whose cases are measured on several devices at once: put together in its journal, part by part.

What it is then is what it would be of one device: the same journal, read by the same functions, so that it can be gone
on with, compared and promoted like any other.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError
from perfkit.record.journal import SUFFIX, Finished, broken, read_journal, run_json
from perfkit.record.journal_file import append_records, read_journal_lines
from perfkit.record.read import read_run
from perfkit.record.schema import Status
from perfkit.record.write import write_run_json
from perfkit.replicates.processes import finished_replicate, keep_incomplete

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfkit.record.journal import Expected, PlannedTest, Session
    from perfkit.record.replicate import Run

_OF_THE_PART = {"expected", "doing", "finished"}
"""Kinds of records that mean nothing in the whole."""


class Assembled:
    """A replicate's journal, which grows by parts; what an earlier run has of it is there already."""

    def __init__(self, path: Path, session: Session, expected: Expected) -> None:
        """``path`` is what the replicate will be; ``session`` has its plan, ``expected`` what is dropped of it.

        Raises UserError where the journal can't be read or written.
        """
        self.path, self._journal = path, path.with_suffix(SUFFIX)
        self.session, self._expected = session, expected
        self._sessions = 0
        self._spent_s: dict[str, float] | None = {}
        self._machine_state: dict[str, Any] = {}
        self.plan = session.tests
        self.left: dict[str, PlannedTest] = {}
        """What isn't measured yet, by node id."""
        self.done: Run | None = finished_replicate(path)
        """The replicate, once all of it is there."""
        if self.done is not None:
            return
        known = read_journal(self._journal) if self._journal.exists() else None
        if known is not None and known.sessions:
            path.unlink(missing_ok=True)  # incomplete, and all of it is in the journal
            self._expected = known.expected
            self._note_machines(known.sessions)
            self._sessions = len(known.sessions)
            self._spent_s = None  # of processes that are gone
        else:
            self._journal.unlink(missing_ok=True)
            append_records(self._journal, expected)
            known = read_journal(self._journal)
        self.left = {planned.test: planned for planned in known.left_of(session.tests)}

    def add(self, raw: bytes) -> int:
        """A part's journal, whole; how many of its cases are broken. Raises UserError where it can't be kept."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"part{SUFFIX}"
            path.write_bytes(raw)
            part = read_journal(path)
            records = [record for record in read_journal_lines(path) if record is not None]
        before = self._sessions
        self._note_machines(part.sessions)
        kept = [_renumbered(record, before) for record in records if record["kind"] not in _OF_THE_PART]
        append_records(self._journal, *kept)
        self._sessions += len(part.sessions)
        if part.finished is not None:
            self._machine_state |= part.finished.machine_state
        if self._spent_s is not None and part.finished is not None and len(part.sessions) == 1:
            for work, seconds in part.finished.spent_s.items():
                self._spent_s[work] = self._spent_s.get(work, 0.0) + seconds
        else:  # a process that died can't tell
            self._spent_s = None
        for test in part.ended:
            self.left.pop(test, None)
        self._finish_if_whole()
        outcomes = [ended.outcome for ended in part.ended.values() if ended.outcome is not None]
        return sum(outcome.status is Status.BROKEN for outcome in outcomes)

    def give_up(self, tests: Iterable[str], reason: str) -> None:
        """These tests can't be measured: their cases are BROKEN for the reason."""
        if self._sessions == 0:
            append_records(self._journal, self.session)
            self._sessions = 1
        for planned in [self.left.pop(test) for test in tests if test in self.left]:
            append_records(self._journal, broken(planned, reason))
        self._finish_if_whole()

    def drop(self, tests: Iterable[str], reason: str) -> None:
        """These tests aren't measured in this replicate; one without any other isn't there at all."""
        cases = [planned.case for test in tests if (planned := self.left.pop(test, None)) is not None]
        dropped = [*self._expected.dropped, *(case for case in cases if case is not None)]
        self._expected = self._expected.model_copy(update={"dropped": dropped, "why_dropped": reason})
        append_records(self._journal, self._expected)
        if self._sessions:
            self._finish_if_whole()
        elif not self.left:
            self._journal.unlink()

    def keep_incomplete(self) -> None:
        """Beside the journal the file of what there is, for tools that know no journals."""
        if self.done is None and self._journal.exists():
            keep_incomplete(self.path)

    def _note_machines(self, sessions: Sequence[Session]) -> None:
        """Which machine each process was on: an entry's own ``process`` leads there."""
        for number, session in enumerate(sessions, start=self._sessions + 1):
            told = {
                "node": session.skeleton.get("machine_info", {}).get("node"),
                "gpu_uuid": session.run.machine_state.get("start_gpu_uuid"),
            }
            known = {f"process_{number}_{name}": value for name, value in told.items() if value is not None}
            self._machine_state |= known

    def _finish_if_whole(self) -> None:
        if self.left or not self._sessions:
            return
        finished = Finished(machine_state=self._machine_state, spent_s=self._spent_s or {}, of_all=True)
        append_records(self._journal, finished)
        write_run_json(self.path, run_json(read_journal(self._journal)))
        self.done = self._run()

    def _run(self) -> Run:
        self._journal.unlink(missing_ok=True)
        return read_run(self.path)


def _renumbered(record: dict[str, Any], before: int) -> dict[str, Any]:
    """The record, with its case's process counted among all of the replicate."""
    entry = record.get("entry")
    extra = entry.get("extra_info", {}) if isinstance(entry, dict) else {}
    if isinstance(own := extra.get("perfkit"), dict) and "process" in own:
        own["process"] += before
    return record


def first_session(raw: bytes, source: str) -> Session:
    """Of a journal that a device has sent. Raises UserError where it holds none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"plan{SUFFIX}"
        path.write_bytes(raw)
        sessions = read_journal(path).sessions
    if not sessions:
        raise UserError(f"{source}: has sent no plan")
    return sessions[0]
