"""Devices that answer at once with made-up parts of a made-up replicate; journals and all that reads them are real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfkit.fleet.worker import Answer
from perfkit.record.journal import Doing, Ended, Finished, PlannedTest, Session
from perfkit.record.journal_file import line_of
from perfkit.record.schema import Outcome, RunRecord, Status
from tests.support import GPU, run_data, usual_times

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.fleet.night import Gone, Task
    from perfkit.fleet.schedule import Device
    from perfkit.record.model import Model
    from perfkit.record.schema import Hardware
    from tests.support import Times

CASES = list(usual_times())
PLAIN = "test_plain"
"""A test that is no case."""
TESTS = [*(PlannedTest(test=f"test[{each}]", case=each) for each in CASES), PlannedTest(test=PLAIN)]


def session(hardware: Hardware = GPU) -> Session:
    data = run_data(rounds=5, hardware=hardware)
    del data["benchmarks"]
    run = RunRecord.model_validate(data.pop("perfkit"))
    not_run = [Outcome(**each._asdict(), status=Status.NOT_RUN, reason="the run ended before it") for each in CASES]
    return Session(skeleton=data, run=run.model_copy(update={"outcomes": not_run}), tests=TESTS)


def part(
    tests: list[str],
    *,
    broken: tuple[str, ...] = (),
    sessions: int = 1,
    hardware: Hardware = GPU,
    day: int = 1,
    times: Times | None = None,
) -> bytes:
    """The journal of a device that was asked for these tests."""
    by_case = dict(zip(CASES, run_data(times, rounds=5, hardware=hardware, day=day)["benchmarks"], strict=True))
    records: list[Model] = [session(hardware)] * sessions
    for planned in TESTS:
        if planned.test not in tests:
            continue
        if planned.case is None:
            records.append(Ended(test=planned.test))
            continue
        records.append(Doing(**planned.case._asdict()))
        is_broken = planned.test in broken
        status, reason = (Status.BROKEN, "wrong") if is_broken else (Status.MEASURED, "")
        entry: dict[str, Any] = by_case[planned.case]
        entry["extra_info"]["perfkit"]["process"] = sessions
        outcome = Outcome(**planned.case._asdict(), status=status, reason=reason)
        records.append(Ended(test=planned.test, outcome=outcome, entry=None if is_broken else entry))
    records.append(Finished(machine_state={"end_load": 1.5}, spent_s={"whole": 10.0, "starting": 4.0}))
    return b"".join(line_of(record.model_dump(mode="json")) for record in records)


class Machines:
    """Each task ends at once, the oldest first; ``answers`` may say otherwise for a model."""

    def __init__(self, answer: Callable[[Device, Task], Answer | Gone | None] = lambda *_: None) -> None:
        self._answer, self._tasks = answer, list[tuple[Any, Any]]()
        self.began: list[tuple[str, str, tuple[str, ...]]] = []
        """Device, model and tests of each task."""
        self.most = 0
        """How many ran at once."""

    def start(self, device: Device, task: Task) -> None:
        assert device not in [other for other, _ in self._tasks]
        self._tasks.append((device, task))
        self.began.append((device.name, task.model, tuple(task.expected.tests or ())))
        self.most = max(self.most, len(self._tasks))

    def ended(self) -> tuple[Device, Answer | Gone]:
        device, task = self._tasks.pop(0)
        answer = self._answer(device, task)
        return device, answer if answer is not None else Answer(part(task.expected.tests), "printed\n")
