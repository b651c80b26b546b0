"""``perfkit run --on``: the replicates of a run, measured over the devices of a fleet."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.catalog.config import load_config
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.fleet.night import Gone, Job, Night
from perfkit.fleet.on_ray import RayMachines, check_place
from perfkit.fleet.schedule import Schedule
from perfkit.fleet.site import Site, certainties_here, last_night, sites_of
from perfkit.judge.compare import judge
from perfkit.record.baseline import load_baseline
from perfkit.record.code import code_in
from perfkit.record.hardware import describe_hardware
from perfkit.record.journal import Expected, differences
from perfkit.record.lock import locked_folder
from perfkit.replicates.budget import dropped_lines
from perfkit.replicates.durations import durations_of, usual_case_s
from perfkit.replicates.repeats import cases_in_doubt, narrowed
from perfkit.replicates.request import RUNS, begin, dated_name
from perfkit.replicates.supervise import ended_by_sigterm
from perfkit.tell import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.fleet.worker import About
    from perfkit.judge.verdict import Judgement
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run
    from perfkit.replicates.budgeted import Budget
    from perfkit.replicates.request import Request, Wanted

_WORST_FIRST = (ExitCode.FAIL, ExitCode.INCONCLUSIVE, ExitCode.NOT_JUDGED, ExitCode.PASS)
"""Of several hardware: a step that tolerates "no baseline yet" must not swallow what another one says."""


@dataclass
class Measured:
    """The run on one hardware, as far as it has come."""

    site: Site
    folder: Path
    baseline: Baseline | None
    dropped: dict[str, list[CaseId]] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)

    @property
    def runs(self) -> list[Run]:
        """Replicates that are whole."""
        return [job.assembled.done for job in self.jobs if job.assembled.done is not None]

    def add(self, name: str, arguments: list[str], only: Sequence[CaseId] | None = None, why: str = "") -> None:
        """One more replicate; what an earlier run has of it is there."""
        expected = Expected(dropped=self.dropped.get(name, []), why_dropped=why)
        self.jobs.append(self.site.job(self.folder / f"{name}.json", arguments, only, expected))


def run_on(wanted: Wanted, place: str, resumed: Path | None, shown: Callable[..., int]) -> int:
    """Measures the run, or goes on with ``resumed``, on each hardware of the fleet; the worst exit code.

    ``shown`` shows and keeps how one came out, and returns its exit code. Raises UserError where nothing can be
    measured, or what is left can't.
    """
    request = wanted.request
    check_place(place)
    with (
        RayMachines(place, on_cpu=_is_on_cpu(request.arguments)) as machines,
        ended_by_sigterm(),  # inside: Ray has put a handler of its own in its place
        contextlib.ExitStack() as locks,
    ):
        sites = _sites(machines, request, resumed)
        everything = [_begun(site, wanted, resumed, is_only=len(sites) == 1) for site in sites]
        try:
            for each in everything:
                locks.enter_context(locked_folder(each.folder, refusal="another process is measuring it"))
            _first_pass(machines, everything, wanted)
            judgements = _repeated(machines, everything, wanted)
        except (KeyboardInterrupt, UserError) as error:
            for each in everything:
                for job in each.jobs:
                    job.assembled.keep_incomplete()
                if isinstance(error, KeyboardInterrupt):
                    tell(f"interrupted; perfkit run --resume {each.folder} goes on")
            raise
        codes = {
            shown(each.folder, request, each.runs, judgement, each.dropped)
            for each, judgement in zip(everything, judgements, strict=True)
        }
    return next(code for code in _WORST_FIRST if code in codes)


def _sites(machines: RayMachines, request: Request, resumed: Path | None) -> list[Site]:
    abouts: dict[str, About] = {}
    tell("the devices of the fleet are asked what they are")
    for name, about in machines.ask("about").items():
        reason = about.reason if isinstance(about, Gone) else ", ".join(differences(code_in(Path()), about.code))
        if reason:
            tell(f"{name} isn't measured on: {reason}")
        else:
            abouts[name] = about
    machines.keep(abouts)
    tell(f"{len(abouts)} devices: {', '.join(abouts) or 'none'}")
    sites = sites_of(machines.ask("plan", request.arguments), tell)
    if resumed is not None:
        sites = [site for site in sites if site.hardware == request.hardware]
        if not sites:
            raise UserError(f"{resumed}: was measured on {request.hardware}, of which there is no device")
    return sites


def _begun(site: Site, wanted: Wanted, resumed: Path | None, *, is_only: bool) -> Measured:
    folder = resumed
    if folder is None:
        name = dated_name()
        folder = wanted.results / RUNS / (name if is_only else f"{name}-{site.hardware}")
        begin(folder, wanted.request.model_copy(update={"hardware": site.hardware}))
        tell(f"{describe_hardware(site.session.run.hardware)}: {folder}")
    baseline = load_baseline(wanted.request.baseline, hardware=site.session.run.hardware, results=wanted.results)
    return Measured(site, folder, baseline)


def _first_pass(machines: RayMachines, everything: Sequence[Measured], wanted: Wanted) -> None:
    """All replicates at once, on all hardware."""
    default_case_s = usual_case_s(load_config(Path()))
    request, budget = wanted.request, wanted.budget
    for each in everything:
        night = last_night(wanted.results / RUNS, each.site)
        reviewed = each.baseline.replicates if each.baseline is not None else ()
        each.site.durations = durations_of(night, default_case_s, reviewed)
        if budget is not None:
            certainties = certainties_here(night, each.baseline, wanted.limits, each.site)
            gone = each.site.drop(request.replicates, certainties, budget.left_s)
            for line in dropped_lines(gone, each.site.cases):
                tell(f"--budget {budget.text}: {line}")
            for repeat in gone:
                each.dropped.setdefault(f"replicate-{repeat.number}", []).append(repeat.case)
        for number in range(1, request.replicates + 1):
            each.add(f"replicate-{number}", request.arguments, why=budget.why if budget is not None else "")
    _measure(machines, everything, [job for each in everything for job in each.jobs], budget)
    for each in everything:
        if not each.runs:
            raise UserError(f"{each.folder}: no replicate was measured")


def _measure(machines: RayMachines, everything: Sequence[Measured], jobs: Sequence[Job], budget: Budget | None) -> None:
    durations = {each.site.hardware: each.site.durations for each in everything}
    devices = [device for each in everything for device in each.site.devices]
    units = [unit for job in jobs for unit in job.units(durations[job.hardware])]
    schedule = Schedule(units, devices)
    night = Night(machines, devices, jobs)
    try:
        if budget is None:
            night.measure(schedule)
        else:
            night.measure(schedule, lambda: budget.left_s, budget.why)
    finally:
        for each in everything:
            each.site.devices = [device for device in each.site.devices if device in night.devices]
            for job, case in night.dropped:
                if job in each.jobs:
                    each.dropped.setdefault(job.name, []).append(case)


def _repeated(machines: RayMachines, everything: Sequence[Measured], wanted: Wanted) -> list[Judgement]:
    """The judgements, once cases in doubt were measured again as often as asked for."""

    def judged() -> list[Judgement]:
        return [judge(each.baseline, each.runs, wanted.limits, wanted.waivers) for each in everything]

    judgements = judged()
    for number in range(1, wanted.request.repeats + 1):
        name, jobs = f"repeat-{number}", list[Job]()
        for each, judgement in zip(everything, judgements, strict=True):
            rows = cases_in_doubt(judgement)
            doubtful = [row.case for row in rows]
            if rows and wanted.budget is not None:
                doubtful = wanted.budget.fitting(name, rows, each.runs)
            if doubtful:
                tell(f"{name}: {len(doubtful)} of {len(judgement.rows)} cases are in doubt")
                each.add(name, narrowed(wanted.request.arguments, doubtful), doubtful)
                jobs.append(each.jobs[-1])
        if not jobs:
            break
        try:
            _measure(machines, everything, jobs, wanted.budget)
        except UserError as error:  # what was measured before is judged all the same
            tell(f"{name} is lost: {error}")
            for job in jobs:  # what there is of it says that the run isn't finished, and nothing of it is no journal
                job.assembled.keep_incomplete()
            break
        judgements = judged()
    return judgements


def _is_on_cpu(arguments: Sequence[str]) -> bool:
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(one == "--perfkit-platform=cpu" or (one, other) == ("--perfkit-platform", "cpu") for one, other in pairs)
