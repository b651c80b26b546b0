"""One replicate out of the parts that were measured of it, each by itself: what the whole run would have recorded."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError
from perfkit.record.dates import moment
from perfkit.record.hardware import describe_hardware
from perfkit.record.journal import differences, run_identity
from perfkit.record.read import run_from_json
from perfkit.record.schema import Outcome, RunRecord, Status
from perfkit.record.shard import MergedShard, Shard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_KERNEL = "kernel"
NIGHT_H = 12
"""Shards of one night are begun together, or wait for each other on one machine; those of the night before were begun
24 hours earlier, give or take a runner's queue. Half of that tells them apart."""
_MAY_DIFFER = ("plan", "faults", f"version of {_KERNEL}")
"""Of what replicates of one run have in common: a shard has its own cases, and its own host."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a shard has of one replicate."""

    source: str
    """Names it in messages: a file, as a rule."""
    data: Mapping[str, Any]
    """What its file holds."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A part that is one."""

    part: Part
    run: RunRecord
    shard: Shard
    commit: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.shard} ({self.part.source})"

    @property
    def cases(self) -> set[CaseId]:
        return {outcome.case for outcome in self.run.outcomes}

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(outcome.model for outcome in self.run.outcomes))

    @property
    def identity(self) -> dict[str, str]:
        """What it must have in common with the others, each under its name."""
        common = {name: told for name, told in run_identity(self.run).items() if name not in _MAY_DIFFER}
        return {
            **common,
            **self.shard.code,
            "commit": self.commit,
            "hardware": describe_hardware(self.run.hardware),
            "plan": " ".join(sorted(map(str, self.shard.plan))),
            "shards": str(self.shard.of),
            "pytest-benchmark's format": str(self.part.data["version"]),
        }

    @property
    def machine(self) -> dict[str, str]:
        """Which machine it was, where several are of one hardware."""
        found = {
            "node": self.part.data["machine_info"].get("node"),
            _KERNEL: self.run.software.get(_KERNEL),
            "gpu_uuid": self.run.machine_state.get("start_gpu_uuid"),
        }
        return {name: str(value) for name, value in found.items() if value is not None}


def merge(parts: Sequence[Part], *, absent: str | None = None, different_days: bool = False) -> dict[str, Any]:
    """What the file of the whole replicate holds, whatever the order of its parts.

    ``absent`` is why shards may be missing: their cases are NOT_RUN for that reason. ``different_days`` says that they
    were measured far apart on purpose. Raises UserError, by name, for parts that are no shards or not of one run or
    night, that are missing or doubled, and for models that none or several have.
    """
    found = sorted(map(_read, parts), key=lambda read: (read.shard.number, read.part.source))
    _check_alike(found)
    _check_numbers(found, absent)
    if not different_days:
        _check_night(found)
    _check_division(found, is_whole=absent is None)
    first, plan = found[0], found[0].shard.plan
    outcomes = {outcome.case: outcome for read in found for outcome in read.run.outcomes}
    for case in plan:
        outcomes.setdefault(case, Outcome(**case._asdict(), status=Status.NOT_RUN, reason=absent or ""))
    shards = [
        MergedShard(
            number=read.shard.number,
            models=read.models,
            datetime=read.part.data["datetime"],
            machine=read.machine,
            run_id=read.run_id,
        )
        for read in found
    ]
    # Every host's, where they differ: a judgement names it among what else is different.
    kernels = {name: told for name, told in machine_differences(shards).items() if name == _KERNEL}
    run = first.run.model_copy(
        update={
            "outcomes": [outcomes[case] for case in plan],
            "software": {**first.run.software, **kernels},
            "injected": ", ".join(dict.fromkeys(read.run.injected for read in found if read.run.injected)) or None,
            "spent_s": _summed(read.run.spent_s for read in found),
            "processes": sum(read.run.processes for read in found),
            "incomplete": "; ".join(f"{r.shard}: {r.run.incomplete}" for r in found if r.run.incomplete) or None,
            "machine_state": {
                f"{name} (shard {read.shard.number})": reading
                for read in found
                for name, reading in read.run.machine_state.items()
            },
            "shard": None,
            "shards": shards,
        }
    )
    rank: dict[CaseId | None, int] = {case: place for place, case in enumerate(plan)}
    entries = [entry for read in found for entry in read.part.data["benchmarks"]]
    return {
        **first.part.data,
        "datetime": min((read.part.data["datetime"] for read in found), key=_when),
        "benchmarks": sorted(entries, key=lambda entry: rank.get(_case_of(entry), len(plan))),
        "perfkit": run.model_dump(mode="json"),
    }


def machine_differences(shards: Sequence[MergedShard]) -> dict[str, str]:
    """What tells the machines of shards apart, in words by its name: their nodes, kernels, GPUs."""
    told = {}
    for name in dict.fromkeys(name for shard in shards for name in shard.machine):
        having: dict[str, list[str]] = defaultdict(list)
        for shard in shards:
            having[shard.machine.get(name, "unknown")].append(str(shard.number))
        if len(having) > 1:
            told[name] = ", ".join(f"{value} (shard {', '.join(numbers)})" for value, numbers in having.items())
    return told


def _read(part: Part) -> _Read:
    run = run_from_json(part.data, part.source)
    if run.shard is None:
        raise UserError(f"{part.source}: is no shard; perfkit run --shard measures those")
    return _Read(
        part, RunRecord.model_validate(part.data["perfkit"]), run.shard, run.replicate.commit, run.replicate.run_id
    )


def _check_alike(found: Sequence[_Read]) -> None:
    for read in found[1:]:
        if differing := differences(found[0].identity, read.identity):
            raise UserError(f"{read} is not of one run with {found[0]}: {', '.join(differing)}")


def _check_numbers(found: Sequence[_Read], absent: str | None) -> None:
    for number, count in Counter(read.shard.number for read in found).items():
        if count > 1:
            sources = " and ".join(read.part.source for read in found if read.shard.number == number)
            raise UserError(f"shard {number}/{found[0].shard.of} is there {count} times, {sources}: leave one")
    of, numbers = found[0].shard.of, {read.shard.number for read in found}
    missing = [f"{number}/{of}" for number in range(1, of + 1) if number not in numbers]
    if missing and absent is None:
        there = ", ".join(read.part.source for read in found)
        raise UserError(f"shard {', '.join(missing)} is missing beside {there}; a run is all {of} of them")


def _check_night(found: Sequence[_Read]) -> None:
    """A folder that was left over from another night has the same commit, versions and plan, and other numbers."""
    dated = [(when, read) for read in found if (when := moment(read.part.data["datetime"])) is not None]
    if not dated:
        return
    (first, oldest), (last, newest) = (pick(dated, key=lambda pair: pair[0]) for pick in (min, max))
    if last - first > dt.timedelta(hours=NIGHT_H):
        raise UserError(
            f"{oldest} was measured {first:%Y-%m-%d %H:%M}, {newest} {last:%Y-%m-%d %H:%M} UTC, more than {NIGHT_H} h "
            "apart: give shards of one night, or --different-days if that was meant"
        )


def _check_division(found: Sequence[_Read], *, is_whole: bool) -> None:
    """Each model in one shard: they divide the plan by themselves, from what they have of the same commit."""
    owners: dict[CaseId, list[_Read]] = defaultdict(list)
    for read in found:
        for case in read.cases:
            owners[case].append(read)
    plan = found[0].shard.plan
    anew = "divided by other baselines; measure all shards of one commit anew"
    for case in plan:
        if len(owners[case]) > 1:
            raise UserError(f"{case} is in {' and in '.join(map(str, owners[case]))}: they were {anew}")
        if is_whole and not owners[case]:
            raise UserError(f"{case} is in none of the {found[0].shard.of} shards: they were {anew}")
    for case in sorted(owners.keys() - set(plan)):
        raise UserError(f"{owners[case][0]} has {case}, which isn't in the plan of its run; measure it anew")


def _summed(spent_s: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Nothing where one can't tell."""
    each = list(spent_s)
    if not all(each):
        return {}
    names = dict.fromkeys(name for spent in each for name in spent)
    return {name: sum(spent.get(name, 0.0) for spent in each) for name in names}


def _case_of(entry: Mapping[str, Any]) -> CaseId | None:
    """None for a test that is no case."""
    extra = entry.get("extra_info")
    own = extra.get("perfkit") if isinstance(extra, dict) else None
    parts = [own.get(name, "") for name in CaseId._fields] if isinstance(own, dict) else []
    return CaseId(*map(str, parts)) if all(parts) and parts else None


def _when(text: str) -> tuple[float, str]:
    when = moment(text)
    return (when.timestamp() if when is not None else float("inf"), text)
