"""What else changed between baseline and run: never a verdict, often its explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.judge.verdict import Suspect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from perfkit.record.replicate import Replicate, Sample

_COSINE_STEP = 1e-3
"""Answers of one engine repeat to far less; a change of this size means other arithmetic."""
_ABSENT = "absent"


def software_suspects(baseline: Sequence[Replicate], current: Sequence[Replicate]) -> tuple[Suspect, ...]:
    """Versions and settings that differ from the newest baseline replicate's to the run's.

    Replicates come in the order of their dates; without a baseline nothing differs.
    """
    if not baseline:
        return ()
    before, after = _environment(baseline[-1]), _environment(current[-1])
    return tuple(
        Suspect(what=name, baseline=before.get(name, _ABSENT), current=after.get(name, _ABSENT))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
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
    if before.agreement is not None and after.agreement is not None:
        old_cosine, new_cosine = before.agreement.cosine_min, after.agreement.cosine_min
        if abs(new_cosine - old_cosine) >= _COSINE_STEP:
            yield f"smallest cosine to the reference: {old_cosine:.4f} -> {new_cosine:.4f}"


def comparability_differences(before: Sample, after: Sample) -> list[str]:
    """Names of what must be equal for two samples to be compared and isn't; unknown equals any."""
    known_to_both = before.comparability.keys() & after.comparability.keys()
    return sorted(name for name in known_to_both if before.comparability[name] != after.comparability[name])


def _environment(replicate: Replicate) -> Mapping[str, str]:
    settings = {f"settings.{name}": value for name, value in replicate.settings.items()}
    return {**replicate.software, **settings}


def _short(name: str, value: int | str) -> str:
    return str(value)[:12] if name.endswith("sha256") else str(value)
