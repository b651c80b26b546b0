"""The journal of a replicate: what is finished stands on the disk, so that a run that dies loses the case it is at.

It lies beside the file that the replicate will be, ``replicate-1.journal`` for ``replicate-1.json``, and goes when
that is there. A replicate may have several processes, one after another: each begins with a `Session`.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError
from perfkit.record.facts import BuildFacts
from perfkit.record.journal_file import read_journal_lines
from perfkit.record.model import Duration, Model, Told
from perfkit.record.schema import Outcome, RunRecord, Status

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUFFIX = ".journal"
RUN_JOURNAL = f"run{SUFFIX}"
"""Of the run itself, not of a replicate."""
LOST_DEVICE = 70
"""The exit code of a process that gives up, for a case has cost it the GPU; sysexits.h calls it a software error."""


class PlannedTest(Model):
    """A test that the session is about to run, with its case if it measures one."""

    test: str = Field(description="pytest's node id")
    case: CaseId | None = None


class Expected(Model):
    """What the sessions must be like, and what of the plan is not theirs."""

    kind: Literal["expected"] = "expected"
    identity: dict[str, str] | None = Field(
        default=None, description="of the first: the replicate belongs to a run that was begun before"
    )
    tests: list[str] | None = Field(
        default=None, description="only these are measured here: other devices measure the others at the same time"
    )
    dropped: list[CaseId] = Field(default_factory=list, description="cases that aren't measured in this replicate")
    why_dropped: str = ""


class Session(Model):
    """A process begins."""

    kind: Literal["session"] = "session"
    skeleton: dict[str, Any] = Field(description="pytest-benchmark's file without its benchmarks")
    run: RunRecord = Field(description="with the outcome that each case has unless more is known of it")
    tests: list[PlannedTest]


class Doing(Model):
    """What begins: a model is loaded (no variant), a variant built (no shape), a case measured; or another test."""

    kind: Literal["doing"] = "doing"
    model: str = ""
    variant: str = ""
    shape: str = ""
    test: str = ""

    def __str__(self) -> str:
        if self.test:
            return f"{self.test} ran"
        if not self.variant:
            return f"{self.model} was loaded"
        return f"{self.model}/{self.variant}{f'/{self.shape} was measured' if self.shape else ' was built'}"

    def concerns(self, planned: PlannedTest) -> bool:
        """Whether the test can't be had without it."""
        case = planned.case
        if self.test or case is None:
            return bool(self.test) and planned.test == self.test
        return case.model == self.model and self.variant in {"", case.variant} and self.shape in {"", case.shape}


class Built(Model):
    """A model with its reference (no variant) or a variant is there, or `reason` says why not."""

    kind: Literal["built"] = "built"
    model: str
    variant: str = ""
    facts: BuildFacts | None = None
    reason: Told = ""


class Ended(Model):
    """A test is done; the last one of a test counts."""

    kind: Literal["ended"] = "ended"
    test: str
    outcome: Outcome | None = Field(default=None, description="of its case, if it has one")
    entry: dict[str, Any] | None = Field(default=None, description="what pytest-benchmark's file holds of it")


def broken(planned: PlannedTest, reason: str) -> Ended:
    """The end of a test that can't be measured: its case, if it has one, is BROKEN for the reason."""
    case = planned.case
    outcome = None if case is None else Outcome(**case._asdict(), status=Status.BROKEN, reason=reason)
    return Ended(test=planned.test, outcome=outcome)


class Finished(Model):
    """The session came to its own end."""

    kind: Literal["finished"] = "finished"
    machine_state: dict[str, str | int | float | bool | None]
    spent_s: dict[str, Duration] = Field(default_factory=dict, description="what the session spent its time on")
    of_all: bool = Field(default=False, description="spent_s is of all sessions together")


Record = Annotated[Expected | Session | Doing | Built | Ended | Finished, Field(discriminator="kind")]
_RECORD: TypeAdapter[Record] = TypeAdapter(Record)


@dataclass
class Journal:
    """What a journal says, read from its beginning to its end."""

    source: str
    expected: Expected = field(default_factory=Expected)
    sessions: list[Session] = field(default_factory=list)
    ended: dict[str, Ended] = field(default_factory=dict)
    """By node id."""
    doing: Doing | None = None
    """What was begun last and not done."""
    finished: Finished | None = None
    """Of the last session."""
    damaged: int = 0
    """Lines that are no whole record, or belong to no session. One that was cut off is what a dying process leaves."""

    @property
    def remaining(self) -> list[PlannedTest]:
        """Tests of the plan that haven't ended."""
        return self.left_of(self.sessions[0].tests)

    def left_of(self, tests: Iterable[PlannedTest]) -> list[PlannedTest]:
        """Those of the tests that are to be run and haven't ended."""
        only = None if self.expected.tests is None else set(self.expected.tests)
        dropped = set(self.expected.dropped)
        return [
            planned
            for planned in tests
            if planned.test not in self.ended and (only is None or planned.test in only) and planned.case not in dropped
        ]

    def take(self, record: Record) -> None:
        """The next record."""
        if isinstance(record, Expected):
            self.expected = record
        elif isinstance(record, Session):
            self.sessions.append(record)
            self.doing = self.finished = None
        elif isinstance(record, Doing):
            self.doing = record
        elif isinstance(record, Finished):
            self.finished = record
        else:
            self.doing = None
            if isinstance(record, Ended):
                self.ended[record.test] = record


def read_journal(path: Path) -> Journal:
    """The journal of a replicate, as far as it can be read.

    Raises UserError for a file that can't be read at all; one without a whole session is no error but empty.
    """
    journal = Journal(str(path))
    for data in read_journal_lines(path):
        record = None
        with contextlib.suppress(ValidationError):
            record = _RECORD.validate_python(data)
        if record is not None and (journal.sessions or isinstance(record, Expected | Session)):
            journal.take(record)
        else:
            journal.damaged += 1
    return journal


def run_identity(run: RunRecord) -> dict[str, str]:
    """What the replicates of one run have in common beside code and configuration, each part under its name."""
    injected = run.injected or "none"
    return {
        "suite": run.suite,
        "plan": " ".join(sorted(str(outcome.case) for outcome in run.outcomes)),
        "hardware": run.hardware.model_dump_json(),
        "settings": _told(run.settings),
        "faults": injected,
        **{f"version of {name}": version for name, version in run.software.items()},
    }


def differences(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """In a word or two each, what isn't as it was."""
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    return [_difference(name, before.get(name, "none"), now.get(name, "none")) for name in names]


def run_json(journal: Journal, *, is_finished: bool = False) -> dict[str, Any]:
    """What pytest-benchmark's file of the replicate would be, of all that ended.

    It is marked incomplete where tests of the plan are left that no session came to, unless the last session
    ``is_finished`` now. Raises UserError for a journal without a session.
    """
    if not journal.sessions:
        raise UserError(f"{journal.source}: holds no session, the run died before its first case; measure again")
    first, tests, processes = journal.sessions[0], journal.sessions[0].tests, len(journal.sessions)
    finished = journal.finished
    left = [] if is_finished or finished is not None else journal.remaining
    outcomes = {outcome.case: outcome for outcome in first.run.outcomes}
    for gone in journal.expected.dropped:
        if gone in outcomes:
            why = journal.expected.why_dropped
            outcomes[gone] = outcomes[gone].model_copy(update={"status": Status.NOT_RUN, "reason": why})
    for planned in left:
        case, doing = planned.case, journal.doing
        if case is not None and case in outcomes and doing is not None and doing.concerns(planned):
            outcomes[case] = outcomes[case].model_copy(update={"reason": f"the run ended while {doing}"})
    for ended in journal.ended.values():
        outcome = ended.outcome
        known = outcomes.get(outcome.case) if outcome is not None else None
        # Of two tests of one case the worse counts, as in a run without a journal.
        if outcome is not None and known is not None and known.status is not Status.BROKEN:
            outcomes[outcome.case] = outcome
    run = first.run.model_copy(
        update={
            "outcomes": list(outcomes.values()),
            "processes": processes,
            "incomplete": f"{len(left)} of {len(tests)} tests are left" if left else None,
            # Of several processes those that died can't tell.
            "spent_s": finished.spent_s if finished is not None and (finished.of_all or processes == 1) else {},
            "machine_state": first.run.machine_state | (finished.machine_state if finished is not None else {}),
        }
    )
    done = [journal.ended[planned.test] for planned in tests if planned.test in journal.ended]
    entries = [ended.entry for ended in done if ended.entry is not None]
    return {**first.skeleton, "benchmarks": entries, "perfkit": run.model_dump(mode="json")}


def _difference(name: str, before: str, now: str) -> str:
    if name != "plan":
        return f"{name} ({before} -> {now})"
    was, is_now = Counter(before.split()), Counter(now.split())
    return f"plan ({(was - is_now).total()} cases less, {(is_now - was).total()} more)"


def _told(settings: dict[str, str | int | bool]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(settings.items()))
