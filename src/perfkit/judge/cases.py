"""The cases of a comparison: which are expected, how each ended, which samples may be compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT, CaseId
from perfkit.judge import rule
from perfkit.judge.metric import Clock
from perfkit.judge.suspects import comparability_differences
from perfkit.judge.verdict import Verdict
from perfkit.record.schema import DeviceBy, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from perfkit.record.replicate import Replicate, Run, Sample
    from perfkit.record.schema import Outcome

_LONGEST_VALUE = 40


@dataclass(frozen=True)
class CaseData:
    """What both sides have of one case; samples stand in the order of their replicates' dates."""

    case: CaseId
    baseline: tuple[Sample, ...]
    current: tuple[Sample, ...]
    spoiled: tuple[Sample, ...]
    """The current ones that prove nothing, for most of their rounds were disturbed; they are in no other place."""
    otherwise_timed: tuple[Sample, ...]
    """The few current ones whose device times were taken in another way than the others'; in no other place either."""
    short: tuple[Sample, ...]
    """The few current ones that have fewer rounds than count; in no other place either."""
    short_baseline: int
    """How many of the baseline were left out for that."""
    outcomes: tuple[Outcome, ...]
    expected: bool
    """Whether a baseline replicate of the run's own suite measured it."""

    @property
    def is_skipped(self) -> bool:
        """Left out with a reason, and the baseline never had it: to be listed, not judged."""
        # A replicate that didn't come to it (it repeated other cases) says nothing about it.
        told = {outcome.status for outcome in self.outcomes} - {Status.NOT_RUN}
        return not self.expected and told == {Status.SKIPPED}

    @cached_property
    def newest(self) -> Sample:
        """Of the run's own, one with device times if any has them: without, it doesn't tell how they were taken."""
        return (_with_device(self.current) or self.current)[-1]

    @cached_property
    def comparable_baseline(self) -> tuple[Sample, ...]:
        """The baseline's samples that were taken under the newest current sample's conditions."""
        if not self.current:
            return self.baseline
        return tuple(s for s in self.baseline if not comparability_differences(s, self.newest))


def gather(baseline: Sequence[Replicate], runs: Sequence[Run]) -> list[CaseData]:
    """Every case that a run's plan or file names or that the baseline makes expected.

    A baseline replicate makes its cases expected in runs of the same suite; for other suites it
    only lends its samples. Of a shard those of other shards aren't expected.
    """
    suites = {run.replicate.suite for run in runs}
    before, after = _by_case(baseline), _by_case([run.replicate for run in runs])
    is_elsewhere = _of_other_shards(runs)
    measured = _by_case([replicate for replicate in baseline if replicate.suite in suites])
    expected = {case for case in measured if not is_elsewhere(case)}
    outcomes: dict[CaseId, list[Outcome]] = defaultdict(list)
    for run in runs:
        for outcome in run.outcomes:
            outcomes[outcome.case].append(outcome)
    found = []
    for case in sorted(expected | set(outcomes)):
        known, short_baseline = long_enough([sample for sample in before.get(case, ()) if not sample.spoiled])
        proving, short = long_enough([sample for sample in after.get(case, ()) if not sample.spoiled])
        current, otherwise_timed = timed_alike(proving)
        found.append(
            CaseData(
                case=case,
                baseline=known,
                current=current,
                spoiled=tuple(sample for sample in after.get(case, ()) if sample.spoiled),
                otherwise_timed=otherwise_timed,
                short=short,
                short_baseline=len(short_baseline),
                outcomes=tuple(outcomes.get(case, ())),
                expected=case in expected,
            )
        )
    return found


def verdict_before_comparing(data: CaseData) -> tuple[Verdict, str] | None:
    """The verdict of a case that can't be compared, with the reason; None for one that can."""
    if broken := _why_broken(data):
        return Verdict.BROKEN, broken
    if not data.current and data.spoiled:
        return Verdict.INCONCLUSIVE, f"most rounds were disturbed: {_disturbances(data.spoiled[-1])}"
    if not data.current:
        return Verdict.MISSING, _why_missing(data)
    if not data.baseline:
        return Verdict.NEW, ""
    why = _why_incomparable(data)
    return None if why is None else (Verdict.INCONCLUSIVE, why)


def lost_clock(data: CaseData) -> Iterable[str]:
    """A note where the baseline has device times and the run none, so that wall time decides."""
    if any(s.device for s in data.baseline) and not any(s.device for s in data.current):
        yield "no device times in this run: judged by wall times alone"


def left_out(data: CaseData) -> Iterable[str]:
    """Notes on replicates that have too few rounds, or whose device times were taken in another way than most."""
    of = len(data.current) + len(data.otherwise_timed) + len(data.short)
    if data.short:
        fewest = min(sample.rounds for sample in data.short)
        yield f"{len(data.short)} of {of} replicates left out: only {fewest} of at least {rule.MIN_ROUNDS} rounds"
    if data.short_baseline:
        yield f"{data.short_baseline} of the baseline's replicates left out: fewer than {rule.MIN_ROUNDS} rounds"
    if data.otherwise_timed:
        way, most = (side[-1].device_by for side in (data.otherwise_timed, _with_device(data.current)))
        count = len(data.otherwise_timed)
        yield f"{count} of {of} replicates left out: their device times were {way}, those of the others {most}"


def moved_to(data: CaseData, others: Iterable[CaseData]) -> str:
    """Where a missing case seems to have gone: a new test of the same name in another file, or one other name."""
    new = [other.case for other in others if other.current and not other.baseline]
    if data.case.variant:
        if data.outcomes:
            return ""  # the plan knows it by its name
        near = [case for case in new if sum(a != b for a, b in zip(case, data.case, strict=True)) == 1]
        return f"; renamed to {near[0]}? Then perfkit baseline rename" if len(near) == 1 else ""
    _, separator, name = data.case.model.partition("::")
    found = (case for case in new if separator and case.model.endswith(f"::{name}"))
    return next((f"; moved to {case}?" for case in found), "")


def _of_other_shards(runs: Sequence[Run]) -> Callable[[CaseId], bool]:
    """Whether another shard of the same run measures a case; of a whole run none does."""
    planned = {case.model for run in runs if run.shard is not None for case in run.shard.plan}
    others = planned - {outcome.model for run in runs for outcome in run.outcomes}
    is_later = any(run.shard is not None and run.shard.number > 1 for run in runs)
    # A test that is no case is run with the first one.
    return lambda case: case.model in others or (is_later and not case.variant)


def _by_case(replicates: Iterable[Replicate]) -> dict[CaseId, list[Sample]]:
    found: dict[CaseId, list[Sample]] = defaultdict(list)
    for replicate in replicates:
        for sample in replicate.samples:
            found[sample.case].append(sample)
    return found


def long_enough(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Those with as many rounds as count, and the others; all where these aren't fewer: then that is to be said.

    One process that was cut short must not make a case undecided for good. But slow calls have few rounds, so that
    few mustn't speak for many.
    """
    short = tuple(sample for sample in samples if sample.rounds < rule.MIN_ROUNDS)
    if not short or 2 * len(short) >= len(samples):
        return tuple(samples), ()
    return tuple(sample for sample in samples if sample.rounds >= rule.MIN_ROUNDS), short


def timed_alike(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Those whose device times were taken as most are, or that have none, and the others; all where none is most.

    Whether a call can be captured may differ from process to process, and costs that process alone.
    """
    ways = Counter(sample.device_by for sample in _with_device(samples))
    if len(ways) < 2:  # noqa: PLR2004 - all alike, as nearly always
        return tuple(samples), ()
    (most, count), *_ = ways.most_common(1)
    if 2 * count <= ways.total():
        return tuple(samples), ()
    others = [sample for sample in _with_device(samples) if sample.device_by != most]
    return tuple(sample for sample in samples if sample not in others), tuple(others)


def _with_device(samples: Iterable[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.device is not None]


def _why_incomparable(data: CaseData) -> str | None:
    for sample in data.current:
        if differing := comparability_differences(sample, data.newest):
            return f"not comparable: the run's own replicates differ in {', '.join(differing)}"
    if not data.comparable_baseline:
        return f"not comparable: {_differences(data.baseline[-1], data.newest)}"
    return None


def _why_broken(data: CaseData) -> str | None:
    for outcome in reversed(data.outcomes):
        if outcome.status is Status.BROKEN:
            return outcome.reason or "no reason told"
    if data.current and _has_speedup(data.baseline) and not _has_speedup(data.current):
        reference = data.case._replace(variant=REFERENCE_VARIANT)
        return f"reference missing: no sound times of {reference}"
    return None


def _why_missing(data: CaseData) -> str:
    if not data.outcomes:
        return "the baseline has it, the run doesn't"
    # A replicate that didn't come to it knows less than one that did.
    told = [outcome for outcome in data.outcomes if outcome.status is not Status.NOT_RUN]
    outcome = (told or data.outcomes)[-1]
    if outcome.status is Status.SKIPPED:
        return f"skipped: {outcome.reason or 'no reason told'}"
    return outcome.reason or "planned and not run"


def _has_speedup(samples: Iterable[Sample]) -> bool:
    timings = (clock.timing(sample) for sample in samples for clock in Clock)
    return any(timing is not None and timing.log_speedup is not None for timing in timings)


def _disturbances(sample: Sample) -> str:
    return ", ".join(f"{why} ({count} of {sample.rounds})" for why, count in sorted(sample.disturbed.items()))


def _differences(before: Sample, after: Sample) -> str:
    return ", ".join(
        f"{name} ({_short(_condition(before, name))} -> {_short(_condition(after, name))})"
        for name in comparability_differences(before, after)
    )


def _condition(sample: Sample, name: str) -> str:
    return sample.comparability.get(name, DeviceBy.QUEUED)  # the one that isn't always written down


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
