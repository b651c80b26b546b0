"""A drill in the field: which faults to put into which cases of a real night, and what the judge made of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.catalog.fault import Fault, FaultKind
from perfkit.judge.metric import Clock
from perfkit.judge.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.verdict import Judgement, Row

SLOWER = (0.03, 0.05, 0.10, 0.20, 0.50)
_HOST_SHARE = 1.0
"""The wall time doubled: by less a host that is shared moves by itself."""
_TOUCHED = 3
"""One of so many cases a night has a fault, references aside; the others tell what a night does."""
_SURE = 2.0
"""A slowdown so many times as large as the smallest that would have been seen must be named."""
_EXPECTED = {
    FaultKind.SLOW: Verdict.REGRESSED,
    FaultKind.HOST: Verdict.REGRESSED,
    FaultKind.WRONG: Verdict.BROKEN,
    FaultKind.VANISH: Verdict.MISSING,
    FaultKind.LOST_GRAPH: Verdict.REGRESSED,
    FaultKind.FP32_ENGINE: Verdict.BROKEN,
}
_ALWAYS_SEEN = (FaultKind.WRONG, FaultKind.VANISH, FaultKind.FP32_ENGINE)
"""Faults that no clock has to tell."""
_NAMED_BY = {FaultKind.FP32_ENGINE: "precision not delivered"}
"""How the reason begins that names the fault: a build that fails for another reason is BROKEN as well."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one fault."""

    fault: Fault
    verdict: Verdict
    reason: str
    clean: Row
    """Of the clean night."""

    @property
    def named(self) -> bool:
        """Whether it got the verdict that it should have."""
        by = _NAMED_BY.get(self.fault.kind, "")
        return self.verdict is _EXPECTED[self.fault.kind] and self.reason.startswith(by)

    @property
    def is_demanded(self) -> bool:
        """Whether a gate can't be trusted that overlooks it."""
        if self.fault.kind in _ALWAYS_SEEN:
            return True
        could_see = self.clean.detectable_pct
        if self.fault.kind is not FaultKind.SLOW or could_see is None or self.clean.verdict is not Verdict.PASS:
            return False
        return 100 * self.fault.share >= _SURE * could_see


def plan_nights(clean: Judgement, can_have: Callable[[FaultKind, str], bool]) -> list[list[Fault]]:
    """Every fault once, a case each, in as few nights as leave most cases alone; [] without a case to take.

    ``clean`` is the judgement of a night without faults; ``can_have`` says whether a variant of that name can have such
    a fault: one that none can is left out.
    """
    rows = [row for row in clean.rows if row.compared and row.variant and row.variant != REFERENCE_VARIANT]
    # What was faster tonight would be slowed back to what it was.
    cases = _far_apart([row for row in rows if row.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)])
    if not cases:
        return []
    kinds = [(FaultKind.SLOW, share) for share in SLOWER]
    if all(row.deciding is not None and row.deciding.clock is Clock.DEVICE for row in cases):
        kinds.append((FaultKind.HOST, _HOST_SHARE))
    kinds.append((FaultKind.WRONG, 0.0))
    if sum(row.compared for row in clean.rows) > 1:  # pytest refuses a night without any case
        kinds.append((FaultKind.VANISH, 0.0))
    kinds += [(FaultKind.LOST_GRAPH, 0.0), (FaultKind.FP32_ENGINE, 0.0)]
    return _dealt(kinds, [row.case for row in cases], can_have)


def _dealt(
    kinds: Iterable[tuple[FaultKind, float]], cases: Sequence[CaseId], can_have: Callable[[FaultKind, str], bool]
) -> list[list[Fault]]:
    """A case for each fault, of those that have had the fewest the first, none of them twice a night."""
    size = max(1, len(cases) // _TOUCHED)
    nights: list[list[Fault]] = []
    had: Counter[CaseId] = Counter()
    for kind, share in kinds:
        able = [case for case in cases if can_have(kind, case.variant)]
        if not able:
            continue
        case = min(able, key=had.__getitem__)
        if not nights or len(nights[-1]) == size or any(fault.case == case for fault in nights[-1]):
            nights.append([])
        nights[-1].append(Fault(case, kind, share))
        had[case] += 1
    return nights


def seen(faults: Sequence[Fault], night: Judgement, clean: Judgement) -> list[Seen]:
    """What a night with faults in it, one that was judged, said of them."""
    after, before = ({row.case: row for row in judgement.rows} for judgement in (night, clean))
    return [Seen(fault, after[fault.case].verdict, after[fault.case].reason, before[fault.case]) for fault in faults]


def false_alarms(night: Judgement, clean: Judgement, faults: Sequence[Fault] = ()) -> list[Row]:
    """Rows that fail the run and have no fault; a case that the clean night couldn't compare has nothing to be false.

    It was left out by the user, or fails every night.
    """
    touched = {fault.case for fault in faults}
    compared = {row.case for row in clean.rows if row.compared}
    return [row for row in night.rows if row.verdict.fails and row.case not in touched and row.case in compared]


def _far_apart(rows: Sequence[Row]) -> list[Row]:
    """In turn of another model and shape, and of another variant: what shares a reference is judged by each other.

    So is what all cases of a variant do.
    """
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.case):
        groups[row.model, row.shape].append(row)
    turned = [group[turn % len(group) :] + group[: turn % len(group)] for turn, group in enumerate(groups.values())]
    return [row for turn in zip_longest(*turned) for row in turn if row is not None]
