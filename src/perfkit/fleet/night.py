"""Replicates measured over devices: units to whoever is free, their parts into the replicates as they come.

It knows no Ray: machines are whatever starts a task on a device and says what came of it.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from perfkit.errors import UserError
from perfkit.fleet.schedule import Unit
from perfkit.record.journal import Expected, run_identity
from perfkit.tell import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.fleet.parts import Assembled
    from perfkit.fleet.schedule import Device, Schedule
    from perfkit.fleet.worker import Answer
    from perfkit.record.journal import PlannedTest
    from perfkit.replicates.durations import Durations


class Gone(NamedTuple):
    """A device that ended before its task did."""

    reason: str


class Task(NamedTuple):
    """What a device is to measure."""

    model: str
    arguments: list[str]
    expected: Expected


class Machines(Protocol):
    """What runs tasks."""

    def start(self, device: Device, task: Task) -> None:
        """The device, which is free, begins it."""

    def ended(self) -> tuple[Device, Answer | Gone]:
        """Waits until one of the tasks that were started has ended."""


@dataclass(frozen=True)
class Job:
    """A replicate that is to be measured on one hardware."""

    hardware: str
    assembled: Assembled
    arguments: list[str]
    """For pytest."""

    @property
    def name(self) -> str:
        return self.assembled.path.stem

    def units(self, durations: Durations) -> list[Unit]:
        """A unit a model, of what is left; tests that are no cases are one without a model."""
        units = []
        for model in dict.fromkeys(_model_of(planned) for planned in self.assembled.left.values()):
            left = [planned for planned in self._tests(model) if planned.test in self.assembled.left]
            cases = [planned.case for planned in left if planned.case is not None]
            units.append(Unit.estimated(durations, self.hardware, self.name, model, cases))
        return units

    def tests_of(self, unit: Unit) -> list[PlannedTest]:
        """What of the plan the unit, or a piece of one, measures. A piece has every so manieth variant."""
        tests = self._tests(unit.model)
        variants = list(dict.fromkeys(planned.case.variant for planned in tests if planned.case is not None))
        mine = variants[unit.piece :: unit.pieces]
        return [each for each in tests if each.case is None or each.case.variant in mine]

    def _tests(self, model: str) -> list[PlannedTest]:
        return [planned for planned in self.assembled.plan if _model_of(planned) == model]


def _model_of(planned: PlannedTest) -> str:
    return "" if planned.case is None else planned.case.model


class Night:
    """One pass over all that is left of some replicates."""

    def __init__(self, machines: Machines, devices: Sequence[Device], jobs: Sequence[Job]) -> None:
        self._machines, self._idle = machines, list(devices)
        self._jobs = {(job.hardware, job.name): job for job in jobs}
        self._running: dict[Device, tuple[Unit, float]] = {}
        self._given_up = 0
        self.dropped: list[tuple[Job, CaseId]] = []
        """What there was no time for after all."""

    @property
    def devices(self) -> list[Device]:
        """Those that are left."""
        return [*self._idle, *self._running]

    def measure(
        self, schedule: Schedule, left_s: Callable[[], float] = lambda: math.inf, why_dropped: str = ""
    ) -> None:
        """Until nothing is left. What can't be measured in time is dropped from its replicate for the reason.

        Raises UserError where pytest refuses the request, or where no device is left for something.
        """
        while True:
            for device in list(self._idle):
                unit = schedule.take(device, time.monotonic(), left_s())
                if unit is not None:
                    self._start(device, unit)
            if not self._running:
                break
            self._end(schedule, *self._machines.ended())
        for unit in schedule.dropped:
            self._drop(unit, why_dropped)
        left = sum(len(job.assembled.left) for job in self._jobs.values())
        if left:
            raise UserError(f"no device is left for {left} tests; perfkit run --resume goes on with them")

    def _drop(self, unit: Unit, why: str) -> None:
        job = self._jobs[unit.hardware, unit.replicate]
        tests = [each for each in job.tests_of(unit) if each.test in job.assembled.left]
        self.dropped += [(job, each.case) for each in tests if each.case is not None]
        job.assembled.drop([each.test for each in tests], why)
        tell(f"{unit.replicate} is without {unit.model}/*: {why}")

    def _start(self, device: Device, unit: Unit) -> None:
        job = self._jobs[unit.hardware, unit.replicate]
        tests = [each.test for each in job.tests_of(unit) if each.test in job.assembled.left]
        expected = Expected(identity=run_identity(job.assembled.session.run), tests=tests)
        self._idle.remove(device)
        self._running[device] = unit, time.monotonic()
        self._machines.start(device, Task(unit.model, job.arguments, expected))

    def _end(self, schedule: Schedule, device: Device, answer: Answer | Gone) -> None:
        unit, began_s = self._running.pop(device)
        job = self._jobs[unit.hardware, unit.replicate]
        what = f"{unit.replicate}: {unit.model or 'other tests'}"
        if unit.pieces > 1:
            what += f" ({unit.piece + 1} of {unit.pieces})"
        reason = answer.reason if isinstance(answer, Gone) else answer.problem
        if reason and not isinstance(answer, Gone):
            sys.stderr.write(answer.output)
            if answer.is_refused:
                raise UserError(f"{device.name}: {reason}")
        if reason:
            tell(f"{what}: {device.name} is lost: {reason}")
            schedule.lost(device, f"{device.name} was lost: {reason}")
            for lost in schedule.given_up[self._given_up :]:
                job.assembled.give_up([each.test for each in job.tests_of(lost.unit)], lost.reason)
            self._given_up = len(schedule.given_up)
            return
        assert not isinstance(answer, Gone)
        took_s = time.monotonic() - began_s
        if broken := job.assembled.add(answer.journal):
            sys.stderr.write(answer.output)
        schedule.done(device, took_s)
        self._idle.append(device)
        tell(f"{what}: {device.name}, {took_s:.0f} s{f', {broken} cases BROKEN' if broken else ''}")
