"""What moved alike for the whole run: a driver, clocks or a host that got slower or faster.

A speedup hides it, and without it every case would be blamed for it one by one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from perfkit.judge.decide import time_change
from perfkit.judge.verdict import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from perfkit.judge.change import CaseChange
    from perfkit.judge.metric import Clock
    from perfkit.judge.verdict import Suspect

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
    def is_told(self) -> bool:
        """Beyond the threshold in either direction."""
        return abs(self.size) > self.threshold


def common_shift(changes: Iterable[CaseChange], clock: Clock) -> Shift:
    """The part of the change that references and variants share.

    The references' change is the median over model and shape, the variants' the median over cases.
    Where both moved the same way, the smaller of the two is common; where only the references did
    (a faster eager, say), nothing is. A single reference with no variant beside it shares nothing.
    The threshold is the references' own median: one night moves them all at once, so that many
    cases make it no surer.
    """
    references: dict[tuple[str, str], list[float]] = defaultdict(list)
    thresholds, variants = [], []
    for change in changes:
        if clock in change.reference:
            references[change.case.model, change.case.shape].append(change.reference[clock].size)
            thresholds.append(change.reference[clock].threshold)
            if not change.is_reference:
                variants.append(change.time(clock).size)
    if not references or (not variants and len(references) == 1):
        return Shift()
    of_references = median(median(sizes) for sizes in references.values())
    of_variants = median(variants) if variants else of_references
    size = min(of_references, of_variants, key=abs) if of_references * of_variants > 0 else 0.0
    return Shift(size, median(thresholds))


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
