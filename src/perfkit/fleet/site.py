"""A run on one hardware of a fleet: its devices, its plan, and what of its replicates is worth the time."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perfkit.errors import UserError
from perfkit.fleet.night import Gone, Job
from perfkit.fleet.parts import Assembled, first_session
from perfkit.fleet.schedule import Device, Unit
from perfkit.fleet.simulate import simulate
from perfkit.judge.compare import judge
from perfkit.record.dates import order
from perfkit.record.hardware import file_key
from perfkit.record.journal import Expected, differences, run_identity
from perfkit.record.read import read_run_json, run_files, run_from_json
from perfkit.replicates.budget import Repeat, certainties_of, drop_to_fit, least_telling_first
from perfkit.replicates.durations import Durations

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from perfkit.catalog.case import CaseId
    from perfkit.fleet.worker import Answer
    from perfkit.judge.limits import Limits
    from perfkit.record.baseline import Baseline
    from perfkit.record.journal import Session
    from perfkit.record.replicate import Run
    from perfkit.replicates.budget import Certainty


@dataclass
class Site:
    """The devices of one hardware, and what the suite is there."""

    hardware: str
    session: Session
    devices: list[Device]
    durations: Durations = field(default_factory=lambda: Durations(0.0))

    @property
    def cases(self) -> list[CaseId]:
        """Those that are to be measured."""
        return [planned.case for planned in self.session.tests if planned.case is not None]

    def job(self, path: Path, arguments: list[str], only: Collection[CaseId] | None, expected: Expected) -> Job:
        """A replicate, of ``only`` these cases where there are any; tests that are no cases belong to each."""
        session = self.session
        if only is not None:
            tests = [planned for planned in session.tests if planned.case is None or planned.case in only]
            session = session.model_copy(update={"tests": tests})
        return Job(self.hardware, Assembled(path, session, expected), arguments)

    def drop(self, of: int, certainties: Mapping[CaseId, Certainty], budget_s: float) -> list[Repeat]:
        """The further replicates of cases, of ``of`` replicates in all, that don't fit into the time here."""
        numbers = range(2, of + 1)

        def takes_s(kept: Collection[Repeat]) -> float:
            units = self._units("replicate-1", self.cases)
            for number in numbers:
                cases = [repeat.case for repeat in kept if repeat.number == number]
                units += self._units(f"replicate-{number}", cases)
            return simulate(units, self.devices).makespan_s

        return drop_to_fit(least_telling_first(self.cases, numbers, certainties), takes_s, budget_s)

    def _units(self, replicate: str, cases: Sequence[CaseId]) -> list[Unit]:
        return [
            Unit.estimated(self.durations, self.hardware, replicate, model, own)
            for model in dict.fromkeys(case.model for case in cases)
            for own in [[case for case in cases if case.model == model]]
        ]


def sites_of(plans: Mapping[str, Answer | Gone], tell: Callable[[str], None]) -> list[Site]:
    """The hardware of the devices that have sent a plan, by name; which devices aren't measured on is told, and why.

    Raises UserError where pytest refuses the request, or no device can be measured on.
    """
    sites: dict[str, Site] = {}
    lost = "the fleet has none"
    for name, answer in sorted(plans.items()):
        reason = answer.reason if isinstance(answer, Gone) else answer.problem
        if reason and not isinstance(answer, Gone):
            sys.stderr.write(answer.output)
        if not isinstance(answer, Gone) and answer.is_refused:
            raise UserError(f"{name}: {reason}")
        if not reason:
            assert not isinstance(answer, Gone)
            session = first_session(answer.journal, name)
            key = file_key(session.run.hardware)
            site = sites.setdefault(key, Site(key, session, []))
            reason = ", ".join(differences(run_identity(site.session.run), run_identity(session.run)))
            if not reason:
                site.devices.append(Device(name, key))
                continue
            reason = f"it isn't as {site.devices[0].name}: {reason}"
        lost = f"{name} isn't measured on: {reason}"
        tell(lost)
    if not sites:
        raise UserError(f"no device to measure on: {lost}")
    return [sites[key] for key in sorted(sites)]


def last_night(runs: Path, site: Site) -> list[dict[str, Any]]:
    """What the replicates of the newest whole run on this hardware hold, in the order of their dates; none: no such."""
    for folder in sorted((path for path in runs.glob("*") if path.is_dir()), reverse=True):
        found = []
        for path in run_files(folder):
            with contextlib.suppress(UserError):  # what can't be read tells nothing
                data = read_run_json(path)
                run = data.get("perfkit") or {}
                if run.get("hardware") == site.session.run.hardware.model_dump(mode="json") and not run["incomplete"]:
                    found.append(data)
        if found:
            return sorted(found, key=lambda data: order(str(data["datetime"])))
    return []


def certainties_here(
    night: Sequence[Mapping[str, Any]], baseline: Baseline | None, limits: Limits, site: Site
) -> dict[CaseId, Certainty]:
    """What the last night's replicates tell of each case against the baseline; nothing where there was none."""
    runs: list[Run] = []
    for data in night:
        with contextlib.suppress(UserError):
            runs.append(run_from_json(data, "the last night"))
    if not runs:
        return {}
    return certainties_of(judge(baseline, runs, limits), limits, site.session.run.platform)
