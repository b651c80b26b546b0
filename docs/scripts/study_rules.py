"""The rules that the study compares: perfkit's own and what others gate with, all on the same replicates.

A rule sees one case at a time, its baseline's and its current replicates, and says whether it got slower; perfkit's
sees all cases of a night at once. Where a rule is made for one file against one, it gets the rounds of all replicates
of a side as one, which is more than it would have in practice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

from scipy.stats import mannwhitneyu, ttest_ind

from perfkit.catalog.case import Platform
from perfkit.judge.compare import judge
from perfkit.judge.drill import slowed_sample
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import Baseline
from perfkit.record.replicate import Replicate, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.record.replicate import Sample
    from perfkit.record.schema import Hardware

PERFKIT = "perfkit"
ASV_FACTOR, ASV_P = 1.1, 0.002
"""asv's defaults for ``asv continuous``: the ratio that counts, and the Mann-Whitney p below which it is believed."""
POOLED_P, WELCH_P = 0.01, 0.01
FIXED, POST_MERGE, PRE_MERGE = 0.07, 0.05, 0.10
"""A fixed share as many scripts have it, and TensorRT-LLM's thresholds after and before a merge against its history."""


class Replica(NamedTuple):
    """One case in one fresh process: what was timed of the variant, round by round, and perfkit's reduction of it."""

    times_s: tuple[float, ...]
    sample: Sample

    def slowed(self, share: float) -> Replica:
        """The same with each call longer by a share of the time that the device, or the CPU, needs for it."""
        return Replica(tuple(time * (1 + share) for time in self.times_s), slowed_sample(self.sample, share))


@dataclass(frozen=True)
class Night:
    """Every case's replicates on both sides."""

    baseline: Mapping[CaseId, Sequence[Replica]]
    current: Mapping[CaseId, Sequence[Replica]]
    hardware: Hardware


def perfkits(*verdicts: Verdict) -> Callable[[Night], set[CaseId]]:
    """The cases that ``perfkit.judge`` gives one of these verdicts."""
    return lambda night: {case for case, verdict in judged(night).items() if verdict in verdicts}


def judged(night: Night) -> dict[CaseId, Verdict]:
    """Every case's verdict."""
    before, after = replicates_of(night.baseline, "baseline"), replicates_of(night.current, "current")
    runs = [Run(source=r.run_id, hardware=night.hardware, replicate=r, outcomes=[]) for r in after]
    rows = judge(Baseline("baseline", night.hardware, tuple(before)), runs).rows
    return {row.case: row.verdict for row in rows}


def by_case(looks_slower: Callable[[Sequence[Replica], Sequence[Replica]], bool]) -> Callable[[Night], set[CaseId]]:
    """A rule that looks at one case at a time, as one for a night."""
    return lambda night: {case for case, before in night.baseline.items() if looks_slower(before, night.current[case])}


def median_5(before: Sequence[Replica], after: Sequence[Replica]) -> bool:
    """``pytest-benchmark --benchmark-compare-fail=median:5%``."""
    return median(_pooled(after)) > 1.05 * median(_pooled(before))


def mean_10(before: Sequence[Replica], after: Sequence[Replica]) -> bool:
    """``pytest-benchmark --benchmark-compare-fail=mean:10%``."""
    return fmean(_pooled(after)) > 1.10 * fmean(_pooled(before))


def asv(before: Sequence[Replica], after: Sequence[Replica]) -> bool:
    """asv: slower by the factor in the median, and by a Mann-Whitney test of the samples."""
    old, new = _pooled(before), _pooled(after)
    if median(new) <= ASV_FACTOR * median(old):
        return False
    return bool(mannwhitneyu(new, old, alternative="two-sided").pvalue < ASV_P)


def pooled_mann_whitney(before: Sequence[Replica], after: Sequence[Replica]) -> bool:
    """All rounds of a side as one sample: rounds of one process pass for independent."""
    return bool(mannwhitneyu(_pooled(after), _pooled(before), alternative="greater").pvalue < POOLED_P)


def fixed_7(before: Sequence[Replica], after: Sequence[Replica]) -> bool:
    """The median of the processes' medians moved by more than a fixed share."""
    return _typical(after) > (1 + FIXED) * _typical(before)


def history_5(before: Sequence[Replica], after: Sequence[Replica]) -> bool:
    """TensorRT-LLM after a merge: the newest against the median of its history."""
    return _typical(after[-1:]) > (1 + POST_MERGE) * _typical(before)


def history_10(before: Sequence[Replica], after: Sequence[Replica]) -> bool:
    """TensorRT-LLM before a merge."""
    return _typical(after[-1:]) > (1 + PRE_MERGE) * _typical(before)


def welch(before: Sequence[Replica], after: Sequence[Replica]) -> bool:
    """Welch's t on the logarithms of the processes' medians; it needs two a side."""
    sides = [[math.log(median(replica.times_s)) for replica in side] for side in (after, before)]
    if min(map(len, sides)) < 2:  # noqa: PLR2004 - one has no spread
        return False
    return bool(ttest_ind(*sides, equal_var=False, alternative="greater").pvalue < WELCH_P)


RULES: dict[str, Callable[[Night], set[CaseId]]] = {
    PERFKIT: perfkits(Verdict.REGRESSED),
    "perfkit, REGRESSED or INCONCLUSIVE": perfkits(Verdict.REGRESSED, Verdict.INCONCLUSIVE),
    "pytest-benchmark median:5%": by_case(median_5),
    "pytest-benchmark mean:10%": by_case(mean_10),
    "asv (factor 1.1, p < 0.002)": by_case(asv),
    "Mann-Whitney of pooled rounds, p < 0.01": by_case(pooled_mann_whitney),
    "fixed 7%": by_case(fixed_7),
    "TensorRT-LLM, 5% of the history": by_case(history_5),
    "TensorRT-LLM, 10% of the history": by_case(history_10),
    "Welch's t, p < 0.01": by_case(welch),
}


def _pooled(side: Sequence[Replica]) -> list[float]:
    return [time for replica in side for time in replica.times_s]


def _typical(side: Sequence[Replica]) -> float:
    return median(median(replica.times_s) for replica in side)


def replicates_of(side: Mapping[CaseId, Sequence[Replica]], name: str) -> list[Replicate]:
    """One side's processes as a baseline or a run holds them."""
    count = len(next(iter(side.values())))
    first = next(iter(side.values()))[0].sample
    return [
        Replicate(
            run_id=f"{name} {number}",
            datetime=f"2030-01-{number + 1:02d}T00:00:00+00:00",
            commit="",
            suite="study",
            platform=Platform.CUDA if first.device is not None else Platform.CPU,
            software={},
            settings={},
            samples=[replicas[number].sample for replicas in side.values()],
        )
        for number in range(count)
    ]
