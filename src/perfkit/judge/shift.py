"""What moved alike for the whole run: a driver, clocks or a host that got slower or faster.

A speedup hides it, and without it every case would be blamed for it one by one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.judge.decide import time_change
from perfkit.judge.metric import Clock
from perfkit.judge.verdict import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.estimate import Effect
    from perfkit.judge.verdict import Suspect
    from perfkit.record.replicate import Sample

_MACHINE_WIDE = ("driver", "kernel")
"""Software that every case runs on, the first to ask when all of them move."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far the times of a clock moved together, in log units; positive is faster.

    `size` is always taken out of the cases' own changes; only beyond `threshold` is it worth a
    word.
    """

    size: float = 0.0
    threshold: float = 0.0

    @property
    def is_slower(self) -> bool:
        """Slower beyond the threshold."""
        return self.size < -self.threshold

    @property
    def is_faster(self) -> bool:
        """Faster beyond the threshold."""
        return self.size > self.threshold

    @property
    def is_told(self) -> bool:
        """Beyond the threshold in either direction."""
        return self.is_slower or self.is_faster


def common_size(references: Mapping[CaseId, float], times: Mapping[CaseId, float]) -> float:
    """The part of the change of a clock's times that references and variants share, in log units.

    ``references`` is the change of the reference that was measured beside each case, ``times`` that of each case's own
    time. The references' change is the median over model and shape, the variants' the median over cases.
    Where both moved the same way, the smaller of the two is common; where only the references did
    (a faster eager, say), nothing is. A single reference with no variant beside it shares nothing.
    """
    by_reference: dict[tuple[str, str], list[float]] = defaultdict(list)
    for case, size in references.items():
        by_reference[case.model, case.shape].append(size)
    variants = [times[case] for case in references if case.variant != REFERENCE_VARIANT]
    if not references or (not variants and len(by_reference) == 1):
        return 0.0
    of_references = median(median(sizes) for sizes in by_reference.values())
    of_variants = median(variants) if variants else of_references
    return min(of_references, of_variants, key=abs) if of_references * of_variants > 0 else 0.0


def shift_of(size: float, references: Collection[Effect]) -> Shift:
    """With the threshold, the references' own median: one night moves them all, so that many make it no surer."""
    return Shift(size, median(effect.threshold for effect in references)) if references else Shift()


def shared_by_variant(baseline: Sequence[Sample], clock: Clock, sizes: Mapping[Clock, float]) -> float:
    """What of the shifts that all cases share a case's own time has by a clock, in log units; positive is faster.

    A wall time has the host's shift in its own part, and the device's in the rest: a host that got faster leaves an
    engine on its device as it was. ``baseline`` tells how much of it is the host's.
    """
    timings = ((sample.device.variant_s, sample.wall.variant_s) for sample in baseline if sample.device)
    return _shared(timings, clock, sizes)


def shared_by_reference(baseline: Sequence[Sample], clock: Clock, sizes: Mapping[Clock, float]) -> float:
    """The same of the reference that was measured beside it."""
    timings = (
        (sample.device.reference_s, sample.wall.reference_s)
        for sample in baseline
        if sample.device and sample.device.reference_s and sample.wall.reference_s
    )
    return _shared(timings, clock, sizes)


def _shared(timings: Iterable[tuple[float, float]], clock: Clock, sizes: Mapping[Clock, float]) -> float:
    """From device and wall seconds."""
    on_device = [] if clock is Clock.DEVICE else [min(1.0, device_s / wall_s) for device_s, wall_s in timings]
    if not on_device:
        return sizes[clock]
    share = median(on_device)
    host = (1 - share) * math.exp(-sizes[Clock.WALL])
    return -math.log(host + share * math.exp(-sizes[Clock.DEVICE]))


def shift_findings(
    shifts: Mapping[Clock, Shift], suspects: Sequence[Suspect], baseline_replicates: int
) -> Iterator[Finding]:
    """The common shift told once, whichever clocks show it, with what may be behind it."""
    told = [(clock, shift) for clock, shift in shifts.items() if shift.is_told]
    if not told:
        return
    moves = ", ".join(f"{clock} time {time_change(shift.size)}" for clock, shift in told)
    text = f"references and variants moved together ({moves}): host, driver or clocks"
    named = [f"{s.what} {s.baseline} -> {s.current}" for s in suspects if s.what in _MACHINE_WIDE]
    if named:
        text += f" (changed: {', '.join(named)})"
    if baseline_replicates == 1:
        text += "; or the baseline is out of line, it rests on one replicate: check earlier runs"
    yield Finding(kind=FindingKind.COMMON_SHIFT, text=text)
