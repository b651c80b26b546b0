"""From the changes of one case to its verdict, its reason and the side that moved."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfkit.judge import rule
from perfkit.judge.metric import Clock, Metric, speedup_of
from perfkit.judge.verdict import Moved, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfkit.judge.change import CaseChange
    from perfkit.judge.shift import Shift


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict of a compared case with everything that a row says about it."""

    verdict: Verdict
    reason: str
    moved: Moved | None
    metrics: Mapping[Metric, Verdict]


def decide(change: CaseChange, shifts: Mapping[Clock, Shift]) -> Decision:
    """Judge one case that both sides have.

    A failing metric fails the case, whichever it is; without one the deciding metric speaks. With
    all else equal a slower variant never gets a better verdict: every step here is monotone in the
    variant's time, and the order of the steps keeps it so.
    """
    metrics = {metric: _of_metric(metric, change, shifts) for metric in change.metrics}
    if change.rounds < rule.MIN_ROUNDS:
        why = f"only {change.rounds} of at least {rule.MIN_ROUNDS} rounds in a replicate"
        return Decision(Verdict.INCONCLUSIVE, why, None, metrics)
    failing = {metric.clock for metric, verdict in metrics.items() if verdict.fails}
    if failing:
        clock = change.clock if change.clock in failing else Clock.WALL
        moved = _side_of_regression(change, clock, shifts)
        return Decision(Verdict.REGRESSED, _sides(change, clock), moved, metrics)
    return _without_failure(change, shifts, metrics)


def with_facts(decision: Decision, worse: Sequence[str], answers: Sequence[str]) -> Decision:
    """An engine that got worse fails its case, unless the clock says more: a regression too, or a gain.

    No gain makes up for worse ``answers``: leaving accuracy out is the easiest way to be fast.
    """
    if decision.verdict is Verdict.REGRESSED or not (answers or (worse and decision.verdict is not Verdict.IMPROVED)):
        return decision
    return replace(decision, verdict=Verdict.REGRESSED, reason="; ".join([*answers, *worse]), moved=Moved.ENGINE)


def _without_failure(change: CaseChange, shifts: Mapping[Clock, Shift], metrics: Mapping[Metric, Verdict]) -> Decision:
    verdict = metrics[change.deciding]
    if verdict is Verdict.INCONCLUSIVE:
        return Decision(verdict, _why_inconclusive(change), None, metrics)
    slower = [clock for clock, shift in shifts.items() if shift.is_slower]
    if slower:
        why = f"slower together with everything else: {_sides(change, slower[0])}"
        return Decision(Verdict.INCONCLUSIVE, why, Moved.COMMON, metrics)
    if verdict is Verdict.IMPROVED:
        return Decision(verdict, _sides(change, change.clock), Moved.VARIANT, metrics)
    if Metric.WALL_TIME in metrics and _waits_longer(Metric.WALL_TIME, change, shifts):
        why = f"the host slowed both sides down: {_pair(change, Clock.WALL)}"
        return Decision(verdict, why, Moved.HOST, metrics)
    if any(_reference_moved(metric, change, shifts) for metric in metrics):
        return Decision(verdict, _sides(change, change.clock), Moved.REFERENCE, metrics)
    return Decision(verdict, "", None, metrics)


def _why_inconclusive(change: CaseChange) -> str:
    effect = change.metrics[change.deciding].effect
    if effect.is_worse:
        return f"the speedup fell, but by which side can't be told: {_sides(change, change.clock)}"
    seen, tolerance = as_slowdown_pct(effect.threshold), as_slowdown_pct(rule.TOLERANCE)
    return f"could only have seen {seen:.1f}% or more, {tolerance:.0f}% is tolerated"


def as_slowdown_pct(log_size: float) -> float:
    """A distance on the log scale as percent more time."""
    return 100 * math.expm1(log_size)


def _of_metric(metric: Metric, change: CaseChange, shifts: Mapping[Clock, Shift]) -> Verdict:
    effect = change.metrics[metric].effect
    if not metric.is_speedup:
        if _waits_longer(metric, change, shifts):
            return Verdict.PASS if _host_slowed_both(metric, change, shifts) else Verdict.REGRESSED
        own = effect.size - change.shared(metric.clock, shifts)
        return Verdict.IMPROVED if own > effect.threshold else Verdict.PASS
    if effect.is_worse and _is_slower_itself(metric, change, shifts):
        return Verdict.REGRESSED
    if effect.is_better and not _reference_moved(metric, change, shifts):
        return Verdict.IMPROVED
    if metric is change.deciding:
        unexplained = effect.is_worse and not _reference_moved(metric, change, shifts)
        if unexplained or effect.threshold > rule.TOLERANCE:
            return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _waits_longer(metric: Metric, change: CaseChange, shifts: Mapping[Clock, Shift]) -> bool:
    """Whether a time rose beyond its threshold, by more than what all cases share."""
    effect = change.metrics[metric].effect
    return effect.size - change.shared(metric.clock, shifts) < -effect.threshold


def _is_slower_itself(metric: Metric, change: CaseChange, shifts: Mapping[Clock, Shift]) -> bool:
    """Whether the variant has a part in a fallen speedup: half the threshold of its own, less what all cases share.

    A fall is exactly the sum of what the variant lost and what the reference gained, and a reference has moods of
    its own: cuDNN's autotuning takes other kernels in another process, a CPU's caches are shared with neighbours.
    Without times of the reference there is nobody else to blame.
    """
    clock, effect = metric.clock, change.metrics[metric].effect
    if clock not in change.reference:
        return True
    return change.time(clock).size - change.shared(clock, shifts) <= -effect.threshold / 2


def _reference_moved(metric: Metric, change: CaseChange, shifts: Mapping[Clock, Shift]) -> bool:
    """Whether a speedup changed by the reference, so that the variant is not to blame or to praise.

    By the device's clock a slower machine moves all cases alike, which is taken out as the common shift; what then
    remains of the variant's time is the engine's own. By the wall clock cases drift one by one, and a variant that
    kept its time may have got slower on a faster machine: there the reference must have got faster beyond doubt.
    """
    clock, effect = metric.clock, change.metrics[metric].effect
    if not metric.is_speedup or clock not in change.reference:
        return False
    if effect.is_worse:
        innocent = not _is_slower_itself(metric, change, shifts)
        return innocent and (clock is Clock.DEVICE or change.reference[clock].is_better)
    own = change.time(clock).size - change.shared(clock, shifts)
    return effect.is_better and own < effect.size / 2


def _host_slowed_both(metric: Metric, change: CaseChange, shifts: Mapping[Clock, Shift]) -> bool:
    """Whether a wall time rose by the host: the device's didn't decide so, and the reference waited longer as well.

    The reference's rise must be half of the variant's at least; a variant that launches more is still told.
    """
    if metric.clock is not Clock.WALL or change.clock is not Clock.DEVICE or Clock.WALL not in change.reference:
        return False
    own = change.metrics[metric].effect.size - change.shared(metric.clock, shifts)
    reference = change.reference[Clock.WALL].size - change.shared_by_reference(Clock.WALL, shifts)
    return reference < own / 2


def _side_of_regression(change: CaseChange, clock: Clock, shifts: Mapping[Clock, Shift]) -> Moved | None:
    """None where a speedup fell and the variant alone can't be said to have got slower."""
    if clock is Clock.WALL and change.clock is Clock.DEVICE:
        return Moved.HOST
    reference = change.reference.get(clock)
    if reference is not None and abs(reference.size - change.shared_by_reference(clock, shifts)) > reference.threshold:
        return Moved.BOTH
    speedup = change.metrics.get(speedup_of(clock))
    own = change.time(clock).size - change.shared(clock, shifts)
    if speedup is not None and own > -speedup.effect.threshold / 2:
        return None
    return Moved.VARIANT


def _sides(change: CaseChange, clock: Clock) -> str:
    """How far each side moved: ``its time +30.1%, the reference's -0.2% (wall)``."""
    sides = [f"its time {time_change(change.time(clock).size)}"]
    if clock is Clock.WALL and change.clock is Clock.DEVICE:
        return f"{sides[0]} (wall), {time_change(change.time(Clock.DEVICE).size)} (device)"
    if not change.is_reference and clock in change.reference:
        sides.append(f"the reference's {time_change(change.reference[clock].size)}")
    return f"{', '.join(sides)} ({clock})"


def _pair(change: CaseChange, clock: Clock) -> str:
    """How far both sides moved by one clock."""
    reference = time_change(change.reference[clock].size)
    return f"its time {time_change(change.time(clock).size)}, the reference's {reference} ({clock})"


def time_change(size: float) -> str:
    """A change of a time's score as percent of the time: ``+30.1%`` is slower."""
    return f"{as_slowdown_pct(-size):+z.1f}%"
