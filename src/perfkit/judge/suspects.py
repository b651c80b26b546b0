"""What else changed between baseline and run: never a verdict, often its explanation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from perfkit.judge.facts import TOLERATED_GROWTH, in_replicates
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

    Samples come in the order of their dates; the baseline's newest is what those of the run are compared with. Where
    they differ among themselves, the most frequent difference is told.
    """
    before, of = baseline[-1], len(current)
    for name in sorted(before.facts):
        old = before.facts[name]
        differing = Counter(sample.facts[name] for sample in current if sample.facts.get(name, old) != old)
        for new, count in differing.most_common(1):
            yield f"{name}: {_short(name, old)} -> {_short(name, new)}{in_replicates(count, of)}"
    for count, names in _lost(before, current):
        yield f"not told any more, so not judged: {', '.join(names)}{in_replicates(count, of)}"
    yield from _answer_notes(before, current)
    for name in sorted(before.clocks_mhz):
        old_mhz = before.clocks_mhz[name]
        told = [sample.clocks_mhz[name] for sample in current if name in sample.clocks_mhz]
        if others := [mhz for mhz in told if abs(mhz - old_mhz) > _CLOCK_STEP * old_mhz]:
            new_mhz = max(others, key=lambda mhz: abs(mhz - old_mhz))
            yield f"the GPU's {name} clock: {old_mhz:g} -> {new_mhz:g} MHz{in_replicates(len(others), of)}"


def _lost(before: Sample, current: Sequence[Sample]) -> Iterator[tuple[int, list[str]]]:
    """Names of judged facts that so many of the run's samples have lost."""
    counts = {
        name: sum(name not in sample.facts for sample in current)
        for name in sorted(TOLERATED_GROWTH.keys() & before.facts.keys())
    }
    for count in sorted(set(counts.values()) - {0}):
        yield count, [name for name, lost in counts.items() if lost == count]


def _answer_notes(before: Sample, current: Sequence[Sample]) -> Iterator[str]:
    if before.agreement is None:
        return
    answers = [sample.agreement for sample in current if sample.agreement is not None]
    if unanswered := len(current) - len(answers):
        part = in_replicates(unanswered, len(current)) or " in this run"
        yield f"answers weren't compared with the reference's{part}, so not judged"
    old = before.agreement.cosine_min
    if others := [answer.cosine_min for answer in answers if abs(answer.cosine_min - old) >= _COSINE_STEP]:
        new = max(others, key=lambda cosine: abs(cosine - old))
        yield f"lowest cosine to the reference: {old:.4f} -> {new:.4f}{in_replicates(len(others), len(current))}"


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
