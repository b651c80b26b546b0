"""What else changed between baseline and run: never a verdict, often its explanation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from perfkit.judge.facts import TOLERATED_GROWTH
from perfkit.judge.verdict import Suspect
from perfkit.record.replicate import differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from perfkit.record.replicate import Replicate, Sample

_COSINE_STEP = 1e-3
"""Answers of one engine repeat to far less; a change of this size means other arithmetic."""
_CLOCK_STEP = 0.02
"""A GPU's clock moves in steps of under 1%; times follow it."""


def software_suspects(baseline: Sequence[Replicate], current: Sequence[Replicate]) -> tuple[Suspect, ...]:
    """Versions and settings that differ from the newest baseline replicate's to the run's.

    Replicates come in the order of their dates; without a baseline nothing differs.
    """
    if not baseline:
        return ()
    return tuple(
        Suspect(what=name, baseline=old, current=new)
        for name, old, new in differences(_environment(baseline[-1]), _environment(current[-1]))
    )


def fact_notes(baseline: Sequence[Sample], current: Sequence[Sample]) -> Iterator[str]:
    """Facts of the built variant that differ, one note each: ``layers: 56 -> 217``.

    Samples come in the order of their dates; the newest of each side are compared.
    """
    before, after = baseline[-1], current[-1]
    for name in sorted(before.facts.keys() & after.facts.keys()):
        if before.facts[name] != after.facts[name]:
            old, new = _short(name, before.facts[name]), _short(name, after.facts[name])
            yield f"{name}: {old} -> {new}"
    if lost := sorted(TOLERATED_GROWTH.keys() & before.facts.keys() - after.facts.keys()):
        yield f"not told any more, so not judged: {', '.join(lost)}"
    if before.agreement is not None and after.agreement is None:
        yield "answers weren't compared with the reference's in this run, so not judged"
    if before.agreement is not None and after.agreement is not None:
        old_cosine, new_cosine = before.agreement.cosine_min, after.agreement.cosine_min
        if abs(new_cosine - old_cosine) >= _COSINE_STEP:
            yield f"lowest cosine to the reference: {old_cosine:.4f} -> {new_cosine:.4f}"
    for name in sorted(before.clocks_mhz.keys() & after.clocks_mhz.keys()):
        old_mhz, new_mhz = before.clocks_mhz[name], after.clocks_mhz[name]
        if abs(new_mhz - old_mhz) > _CLOCK_STEP * old_mhz:
            yield f"the GPU's {name} clock: {old_mhz:g} -> {new_mhz:g} MHz"


def left_out_rounds(current: Sequence[Sample]) -> Iterator[str]:
    """A note on the rounds that were left out for what disturbed them."""
    disturbed: Counter[str] = Counter()
    for sample in current:
        disturbed.update(sample.disturbed)
    if disturbed:
        whys = "; ".join(f"{why}: {count}" for why, count in sorted(disturbed.items()))
        rounds = sum(sample.rounds for sample in current) + disturbed.total()
        yield f"{disturbed.total()} of {rounds} rounds were disturbed and left out ({whys})"


def comparability_differences(before: Sample, after: Sample) -> list[str]:
    """Names of what must be equal for two samples to be compared and isn't; unknown equals any."""
    if before.comparability == after.comparability and (before.device is None) == (after.device is None):
        return []  # nearly always, and a thousand cases ask a hundred thousand times
    old, new = _comparability(before), _comparability(after)
    return sorted(name for name in old.keys() & new.keys() if old[name] != new[name])


def _comparability(sample: Sample) -> Mapping[str, str]:
    if sample.device is None:
        return sample.comparability
    return {"device_by": sample.device_by, **sample.comparability}


def _environment(replicate: Replicate) -> Mapping[str, str]:
    settings = {f"settings.{name}": value for name, value in replicate.settings.items()}
    return {**replicate.software, **settings}


def _short(name: str, value: int | str) -> str:
    return str(value)[:12] if name.endswith("sha256") else str(value)
