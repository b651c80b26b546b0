"""A run that must fit into a time: which further replicates of which cases are measured, and which are dropped.

The first replicate of a case is never dropped. Of the further ones those go first that would tell least: where the
verdict is certain, and where even without them a slowdown far below the tolerance would be seen.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from perfkit.errors import UserError, few
from perfkit.judge.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from perfkit.catalog.case import CaseId, Platform
    from perfkit.judge.limits import Limits
    from perfkit.judge.verdict import Judgement, Row

_PART = r"(\d+(?:\.\d+)?)\s*(h|min|m|s)"
_WHOLE = re.compile(rf"\s*{_PART}(?:\s*{_PART})*\s*")
_SECONDS = {"h": 3600.0, "min": 60.0, "m": 60.0, "s": 1.0}
_OPEN = (Verdict.REGRESSED, Verdict.INCONCLUSIVE)
"""Verdicts that another replicate may change."""


def parse_budget(text: str) -> float:
    """``"2h"``, ``"90 min"``, ``"1h30min"`` in seconds.

    Raises UserError for anything else; a bare number may be meant in any unit.
    """
    if re.fullmatch(r"\s*\d+(?:\.\d+)?\s*", text):
        raise UserError(f'--budget: {text.strip()} has no unit: write "{text.strip()}min" or "{text.strip()}h"')
    if not _WHOLE.fullmatch(text):
        raise UserError(f"--budget: {text!r} is no duration: write a number with its unit, as in 2h, 90min or 1h30min")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))
    if not 0 < seconds < math.inf:
        raise UserError(f"--budget: {text!r} leaves no time to measure anything")
    return seconds


class Repeat(NamedTuple):
    """A further replicate of a case; ``number`` counts from 2."""

    number: int
    case: CaseId


@dataclass(frozen=True, slots=True)
class Certainty:
    """What is known of a case with so many replicates: tonight's so far, or last night's."""

    is_open: bool
    """Another replicate may change its verdict, or nothing is known of it."""
    blindness: float
    """The smallest slowdown that would be seen, over the tolerance: above 1 the case can't be judged."""
    baseline_replicates: int
    replicates: int

    def with_replicates(self, count: int) -> float:
        """Its blindness with so many: a change's standard error goes with the root of 1/baseline + 1/run."""
        before = 1 / self.baseline_replicates
        return self.blindness * math.sqrt((before + 1 / count) / (before + 1 / self.replicates))


_UNKNOWN = Certainty(is_open=True, blindness=math.inf, baseline_replicates=1, replicates=1)


def certainties_of(judgement: Judgement, limits: Limits, platform: Platform) -> dict[CaseId, Certainty]:
    """Of every row; what wasn't compared is open, but for a case that is BROKEN: another replicate is no cure."""
    return {row.case: _certainty(row, limits, platform) for row in judgement.rows}


def _certainty(row: Row, limits: Limits, platform: Platform) -> Certainty:
    if row.verdict is Verdict.BROKEN:
        return Certainty(is_open=False, blindness=0.0, baseline_replicates=1, replicates=1)
    metric = row.metric(row.deciding) if row.deciding is not None else None
    if metric is None or row.deciding is None or row.detectable_pct is None:
        return _UNKNOWN
    seen = math.log1p(row.detectable_pct / 100)
    return Certainty(
        is_open=row.verdict in _OPEN,
        blindness=seen / limits.tolerance(row.case, row.deciding, platform),
        baseline_replicates=max(1, metric.baseline_replicates),
        replicates=max(1, metric.current_replicates),
    )


def least_telling_first(
    cases: Iterable[CaseId], numbers: Sequence[int], certainties: Mapping[CaseId, Certainty]
) -> list[Repeat]:
    """The further replicates of these ``numbers`` (ascending) in the order in which they may be dropped.

    A later replicate of a case always goes before an earlier one of it, for the less are left, the less is seen.
    """

    def order(repeat: Repeat) -> tuple[bool, float, int, CaseId]:
        known = certainties.get(repeat.case, _UNKNOWN)
        return known.is_open, known.with_replicates(repeat.number - 1), -repeat.number, repeat.case

    return sorted((Repeat(number, case) for case in cases for number in numbers), key=order)


def drop_to_fit(
    repeats: Sequence[Repeat], takes_s: Callable[[Collection[Repeat]], float], budget_s: float
) -> list[Repeat]:
    """The fewest of them, from the first on, without which the rest fits; all where not even that is enough.

    ``takes_s`` estimates what measuring takes with those that are kept.
    """
    low, high = 0, len(repeats)
    while low < high:
        middle = (low + high) // 2
        if takes_s(repeats[middle:]) <= budget_s:
            high = middle
        else:
            low = middle + 1
    return list(repeats[:low])


def dropped_lines(dropped: Iterable[Repeat], cases: Collection[CaseId], most: int = 10) -> list[str]:
    """Which were dropped, a line a replicate: whole models by their names, of single cases ``most``."""
    by_number: dict[int, list[CaseId]] = defaultdict(list)
    for repeat in dropped:
        by_number[repeat.number].append(repeat.case)
    lines = []
    for number, gone in sorted(by_number.items()):
        names = []
        for model in dict.fromkeys(case.model for case in sorted(gone)):
            of_model = sorted(case for case in gone if case.model == model)
            whole = len(of_model) == sum(case.model == model for case in cases)
            names += [f"{model}/*"] if whole else [str(case) for case in of_model]
        lines.append(f"replicate {number} is without {few(names, most)}")
    return lines
