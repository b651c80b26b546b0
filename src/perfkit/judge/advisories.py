"""Findings that fail nothing: an order of variants, a missing warm-up, the night's noise floor."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from statistics import median
from typing import TYPE_CHECKING

from perfkit.catalog.case import GRAPH_SUFFIX, REFERENCE_VARIANT
from perfkit.judge.metric import Clock
from perfkit.judge.rule import MIN_EFFECT
from perfkit.judge.verdict import Finding, FindingKind, Verdict, cases_in_words
from perfkit.record.schema import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.verdict import Row
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run, Sample

_NO_WARMUP_RATIO = 10
"""First rounds of a warmed-up variant are within a few percent; a lazy compile is thousandfold."""
_BELIEVABLE_GAIN = 2.0
"""From one night to the next; a change of the code that doubles the speed can be confirmed by name."""


def slower_than_expected(current: Mapping[CaseId, Sequence[Sample]]) -> dict[FindingKind, dict[CaseId, str]]:
    """Cases that take longer than the variant that they should beat on the same shape, with why; the worst first.

    It is a result, not an error: unsupported layers fall back, reformatting eats the gain, a replay copies its inputs.
    """
    return {
        FindingKind.INT8_SLOWER: _slower(
            current, _in_fp16, None, "int8 takes {ratio:.2f}x the time of {other} on this shape"
        ),
        FindingKind.GRAPH_SLOWER: _slower(
            current, _plain, Clock.WALL, "the replay takes {ratio:.2f}x the wall time of {other}"
        ),
    }


def expectation_findings(notes: Mapping[FindingKind, Mapping[CaseId, str]]) -> Iterator[Finding]:
    """One finding for all cases of a kind that :func:`slower_than_expected` named."""
    for kind, cases in notes.items():
        if cases:
            worst, why = next(iter(cases.items()))
            yield Finding(kind=kind, text=f"{cases_in_words(cases)}, the worst {worst}: {why}", cases=tuple(cases))


def too_good(rows: Iterable[Row]) -> Iterator[Finding]:
    """Improvements that are more likely a mistake: work left out, another model, a broken clock."""
    cases = {}
    for row in rows:
        metric = row.metric(row.deciding) if row.deciding is not None else None
        if row.verdict is Verdict.IMPROVED and metric is not None and metric.change_pct is not None:
            factor = 1 + metric.change_pct / 100
            gain = factor if metric.metric.is_speedup else 1 / factor
            if gain > _BELIEVABLE_GAIN:
                cases[row.case] = gain
    if cases:
        best = max(cases, key=lambda case: (cases[case], case))
        yield Finding(
            kind=FindingKind.TOO_GOOD,
            text=f"{cases_in_words(cases)}, the most {best}: {cases[best]:.1f}x the baseline's speed; confirm it first",
            cases=tuple(sorted(cases)),
        )


def missing_warmup(samples: Iterable[Sample]) -> Iterator[str]:
    """A note where the first round is far above the rest: something was compiled in it."""
    ratio = max((s.first_round_ratio for s in samples if s.first_round_ratio), default=0.0)
    if ratio >= _NO_WARMUP_RATIO:
        yield f"the first round took {ratio:.0f}x the others' median: warm-up was missing"


def noise_floor(current: Mapping[CaseId, Sequence[Sample]]) -> Iterator[Finding]:
    """The largest difference of the reference measured against itself, by each clock; with the case of each."""
    worst = []
    for clock in Clock:
        floors = {}
        for case, samples in current.items():
            speedups = [t.log_speedup for t in clock.timings(samples) if t.log_speedup is not None]
            if case.variant == REFERENCE_VARIANT and speedups:
                floors[case] = abs(median(speedups))
        if floors:
            case = max(floors, key=lambda case: (floors[case], case))
            worst.append((case, f"{100 * math.expm1(floors[case]):.1f}% {clock}"))
    if worst:
        cases, texts = zip(*worst, strict=True)
        yield Finding(
            kind=FindingKind.NOISE_FLOOR,
            text=f"{REFERENCE_VARIANT} measured against itself differs by up to {', '.join(texts)}",
            cases=tuple(dict.fromkeys(cases)),
        )


def tails(current: Mapping[CaseId, Sequence[Sample]]) -> Iterator[Finding]:
    """Rounds that took more than twice their case's median, all together, and the case that has the longest."""
    found = [(case, sample) for case, samples in current.items() for sample in samples if sample.tail is not None]
    spikes = sum(sample.tail.spikes for _, sample in found if sample.tail)
    if spikes:
        longest, worst = max((s.tail.max_s / s.wall.variant_s, case) for case, s in found if s.tail)
        rounds = sum(sample.rounds for _, sample in found)
        text = f"{spikes} of {rounds} rounds took more than twice their case's median wall time"
        yield Finding(kind=FindingKind.TAILS, text=f"{text}, the longest {longest:.1f}x ({worst})", cases=(worst,))


def own_baseline(baseline: Baseline | None) -> Iterator[Finding]:
    """A baseline that isn't the base branch's: with it a change could bring what it is judged by."""
    file = baseline.committed if baseline is not None else None
    if baseline is not None and file is not None and file.is_as_in_base is False:
        where = "has changes that no commit has" if file.is_changed else f"is of commit {file.commit}"
        text = f"{baseline.source} {where} and differs from {file.base}'s; git:{file.base} in its place judges by that"
        yield Finding(kind=FindingKind.OWN_BASELINE, text=text)


def injected(runs: Iterable[Run]) -> Iterator[Finding]:
    """Faults that were put in on purpose."""
    for text in sorted({run.injected for run in runs if run.injected is not None}):
        yield Finding(kind=FindingKind.INJECTED, text=f"put in on purpose: {text}")


def injected_into(runs: Iterable[Run]) -> dict[str, str]:
    """By the case's name a note that says which fault was put into it."""
    faults: dict[str, dict[str, None]] = defaultdict(dict)
    for run in runs:
        for text in (run.injected or "").split(", "):
            case, equals, fault = text.rpartition("=")
            if equals:
                faults[case][fault] = None
    return {case: f"a fault was put in on purpose: {', '.join(found)}" for case, found in faults.items()}


def skipped(runs: Sequence[Run], judged: Collection[CaseId], measured: Collection[CaseId]) -> Iterator[Finding]:
    """What was skipped, once for each variant and reason, less the cases whose row says so.

    A case that some replicates skipped and others measured is judged by these, and its row says nothing of it.
    """
    skips: dict[tuple[str, str], Counter[CaseId]] = defaultdict(Counter)
    for run in runs:
        for outcome in run.outcomes:
            if outcome.status is Status.SKIPPED and (outcome.case not in judged or outcome.case in measured):
                skips[outcome.variant, outcome.reason][outcome.case] += 1
    for (variant, reason), counts in sorted(skips.items()):
        part = f" in up to {most} of {len(runs)} replicates" if (most := max(counts.values())) < len(runs) else ""
        yield Finding(
            kind=FindingKind.SKIPPED,
            text=f"{variant} ({cases_in_words(counts)}){part}: {reason or 'no reason told'}",
            cases=tuple(sorted(counts)),
        )


def shard(run: Run) -> Iterator[Finding]:
    """Which part of a run is judged alone."""
    if run.shard is not None:
        own, plan = {outcome.case for outcome in run.outcomes}, run.shard.plan
        count = f"{len(own.intersection(plan))} of its {len(plan)} cases"
        text = f"{run.shard} of a run, {count}, judged alone; perfkit merge puts all {run.shard.of} together"
        yield Finding(kind=FindingKind.SHARD, text=text)


def _slower(
    current: Mapping[CaseId, Sequence[Sample]],
    expected: Callable[[str], str | None],
    clock: Clock | None,
    text: str,
) -> dict[CaseId, str]:
    ratios = {}
    for case, samples in current.items():
        other = case._replace(variant=expected(case.variant) or "")
        if other in current:
            ratio = time_ratio(samples, current[other], clock)
            if math.log(ratio) > MIN_EFFECT:
                ratios[case] = ratio
    return {
        case: text.format(ratio=ratios[case], other=expected(case.variant))
        for case in sorted(ratios, key=lambda case: (-ratios[case], case))
    }


def _in_fp16(variant: str) -> str | None:
    """``trt-int8-graph`` → ``trt-fp16-graph``; None for what isn't INT8."""
    stem, graph = variant.removesuffix(GRAPH_SUFFIX), variant.endswith(GRAPH_SUFFIX)
    backend, _, precision = stem.rpartition("-")
    if precision != "int8" or not backend:
        return None
    return f"{backend}-fp16{GRAPH_SUFFIX if graph else ''}"


def _plain(variant: str) -> str | None:
    """``trt-int8-graph`` → ``trt-int8``; None for what is no graph."""
    return variant.removesuffix(GRAPH_SUFFIX) if variant.endswith(GRAPH_SUFFIX) else None


def time_ratio(of: Sequence[Sample], to: Sequence[Sample], clock: Clock | None = None) -> float:
    """How many times as long the one takes as the other, by a clock; None: the device's where both have it."""
    if clock is None:
        clock = Clock.DEVICE if _clock(of) is _clock(to) is Clock.DEVICE else Clock.WALL
    return _median_time(of, clock) / _median_time(to, clock)


def _median_time(samples: Sequence[Sample], clock: Clock) -> float:
    return median(timing.variant_s for s in samples if (timing := clock.timing(s)) is not None)


def _clock(samples: Sequence[Sample]) -> Clock:
    has_device = all(sample.device is not None for sample in samples)
    return Clock.DEVICE if has_device else Clock.WALL
