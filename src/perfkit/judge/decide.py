"""From the changes of one case to its verdict, its reason and the side that moved."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from perfkit.judge import rule
from perfkit.judge.metric import Clock, Metric, speedup_of, time_of
from perfkit.judge.verdict import Moved, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfkit.judge.change import CaseChange
    from perfkit.judge.shift import Shift


_FARTHEST = math.log(1e6)
"""What lies farther apart is told as a million times: an interval may be as wide as it likes."""
_FOLLOWS = 1.5
"""A wall time that rose by so many times the device's seconds at most has risen by them."""
_RESTLESS = 2.0
"""Times whose interval is so many times as wide as the speedup's are too restless to tell who moved."""


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
    variant's time, and the order of the steps keeps it so. The exceptions are two modes, for a case that is as slow as
    it has been before by chance may say so, and a gain that all but the cases of one variant have: the more of these
    are slower by what others gained, the less machine and software can be told apart.
    """
    metrics = {metric: _of_metric(metric, change, shifts) for metric in change.metrics}
    if change.rounds < rule.MIN_ROUNDS:
        why = f"only {change.rounds} of at least {rule.MIN_ROUNDS} rounds in a replicate"
        return Decision(Verdict.INCONCLUSIVE, why, None, metrics)
    failing = {metric.clock for metric, verdict in metrics.items() if verdict.fails}
    has_moved = bool(failing) or metrics[change.deciding] is Verdict.IMPROVED
    if has_moved and (failing <= {change.clock} or _wall_follows(change)):
        if change.modes is not None:
            return Decision(Verdict.INCONCLUSIVE, "two modes, and which of them is chance", None, metrics)
        if _may_be_within(change, metrics):
            why = "two modes within a process, and which of them its median takes is chance"
            return Decision(Verdict.INCONCLUSIVE, why, None, metrics)
    if failing:
        clock = change.clock if change.clock in failing else Clock.WALL
        moved = _side_of_regression(change, clock)
        return Decision(Verdict.REGRESSED, _sides(change, clock), moved, metrics)
    return _without_failure(change, shifts, metrics)


def _may_be_within(change: CaseChange, metrics: Mapping[Metric, Verdict]) -> bool:
    """Whether modes within processes lie as far apart as what moved by the deciding clock has moved, or farther."""
    if change.within is None or not change.within.is_usual:
        return False
    moved = [
        abs(change.metrics[metric].size)
        for metric, verdict in metrics.items()
        if metric.clock is change.clock and verdict in (Verdict.REGRESSED, Verdict.IMPROVED)
    ]
    return max(moved, default=0.0) <= change.within.apart


def _wall_follows(change: CaseChange) -> bool:
    """Whether the wall time rose by hardly more seconds than the device's."""
    return change.rise_s(Clock.WALL) <= _FOLLOWS * change.rise_s(Clock.DEVICE)


def with_facts(decision: Decision, worse: Sequence[str], answers: Sequence[str]) -> Decision:
    """An engine that got worse fails its case, unless the clock says more: a regression too, or a gain.

    No gain makes up for worse ``answers``: leaving accuracy out is the easiest way to be fast. What the clock says
    already doesn't hide either: who accepts a slower case mustn't accept worse answers unread.
    """
    if decision.verdict is Verdict.REGRESSED:
        return replace(decision, reason="; ".join([decision.reason, *answers, *worse]))
    if not (answers or (worse and decision.verdict is not Verdict.IMPROVED)):
        return decision
    return replace(decision, verdict=Verdict.REGRESSED, reason="; ".join([*answers, *worse]), moved=Moved.ENGINE)


def _without_failure(change: CaseChange, shifts: Mapping[Clock, Shift], metrics: Mapping[Metric, Verdict]) -> Decision:
    verdict = metrics[change.deciding]
    if verdict is Verdict.INCONCLUSIVE:
        return Decision(verdict, _why_inconclusive(change), None, metrics)
    slower = [clock for clock, shift in shifts.items() if shift.is_slower and _shares(change, clock, shift)]
    if slower:
        why = f"slower together with everything else: {_sides(change, slower[0])}"
        return Decision(Verdict.INCONCLUSIVE, why, Moved.COMMON, metrics)
    if verdict is Verdict.IMPROVED:
        return Decision(verdict, _sides(change, change.clock), Moved.VARIANT, metrics)
    if Metric.WALL_TIME in metrics and change.metrics[Metric.WALL_TIME].is_worse:
        why = f"the host slowed both sides down: {_pair(change, Clock.WALL)}"
        return Decision(verdict, why, Moved.HOST, metrics)
    if any(_reference_moved(metric, change) for metric in metrics):
        return Decision(verdict, _sides(change, change.clock), Moved.REFERENCE, metrics)
    return Decision(verdict, "", None, metrics)


def _shares(change: CaseChange, clock: Clock, shift: Shift) -> bool:
    """Whether the case has part in what most share, half of it at least: a middle of all need not be anybody's."""
    time = time_of(clock)
    return time in change.metrics and change.time(clock).size <= shift.size / 2


def _why_inconclusive(change: CaseChange) -> str:
    effect = change.metrics[change.deciding]
    if effect.is_worse:
        return f"the speedup fell, but by which side can't be told: {_sides(change, change.clock)}"
    seen, tolerance = as_pct(change.detectable), as_pct(change.tolerance)
    if change.detectable <= change.tolerance:
        worst = as_pct(change.worst)
        return f"may have become slower by {worst:.1f}%, {tolerance:.0f}% is tolerated: {_sides(change, change.clock)}"
    return f"could only have seen {seen:.1f}% or more, {tolerance:.0f}% is tolerated"


def as_pct(log_size: float) -> float:
    """A distance on the log scale in percent: of a time, +5 is slower."""
    return 100 * math.expm1(min(log_size, _FARTHEST))


def _of_metric(metric: Metric, change: CaseChange, shifts: Mapping[Clock, Shift]) -> Verdict:
    effect = change.metrics[metric]
    if effect.is_worse and not metric.is_speedup:
        return Verdict.PASS if _host_slowed_both(metric, change, shifts) else Verdict.REGRESSED
    if effect.is_worse and _is_slower_itself(metric, change):
        return Verdict.INCONCLUSIVE if _all_but_its_kind_gained(metric, change, shifts) else Verdict.REGRESSED
    if effect.is_better and not _reference_moved(metric, change):
        return Verdict.IMPROVED
    if metric is change.deciding:
        unexplained = effect.is_worse and not _reference_moved(metric, change)
        if unexplained or max(change.detectable, change.worst) > change.tolerance:
            return Verdict.INCONCLUSIVE
    return Verdict.PASS


def _is_slower_itself(metric: Metric, change: CaseChange) -> bool:
    """Whether the variant has a part in a fallen speedup: half the threshold of its own, less what all cases share.

    A fall is exactly the sum of what the variant lost and what the reference gained, and a reference has moods of
    its own: cuDNN's autotuning takes other kernels in another process, a CPU's caches are shared with neighbours.
    Without times of the reference there is nobody else to blame; nor, where times are too restless to tell, where the
    other variants keep their speedups over the same reference, unless this one got faster beyond doubt: then it gained
    less than they did.
    """
    clock, effect = metric.clock, change.metrics[metric]
    if clock not in change.reference:
        return True
    half = -effect.threshold / 2
    time = change.time(clock)
    if clock is not change.clock:
        # Of wall times beside a device's clock the host has another share in each variant, which nothing takes out
        # whole; what a caller waits for no longer than before hasn't got slower.
        return max(time.size, time.own) <= half
    is_restless = time.margin > _RESTLESS * effect.margin
    kept = clock in change.siblings and effect.size - change.siblings[clock] <= half
    return time.own <= half or (is_restless and kept and not time.is_better)


def _all_but_its_kind_gained(metric: Metric, change: CaseChange, shifts: Mapping[Clock, Shift]) -> bool:
    """Whether a variant is only slower than a gain that its other cases have no part in: a newer PyTorch, or a machine.

    Then its own time stands still, and whose the gain is can't be told. Nor can it where it has no other cases.
    """
    if not metric.is_speedup or metric.clock is not change.clock or metric.clock not in change.reference:
        return False
    if not shifts[metric.clock].is_faster:
        return False
    half = -change.metrics[metric].threshold / 2
    time = change.time(metric.clock)
    machine = min(time.shared, max(change.kind.get(metric.clock, 0.0), 0.0))
    return time.own <= half < time.size - machine


def _reference_moved(metric: Metric, change: CaseChange) -> bool:
    """Whether a speedup changed by the reference, so that the variant is not to blame or to praise.

    By the device's clock a slower machine moves all cases alike, which is taken out as the common shift; what then
    remains of the variant's time is the engine's own. By the wall clock cases drift one by one, and a variant that
    kept its time may have got slower on a faster machine: there the reference must have got faster beyond doubt.
    """
    clock, effect = metric.clock, change.metrics[metric]
    if not metric.is_speedup or clock not in change.reference:
        return False
    if effect.is_worse:
        innocent, reference = not _is_slower_itself(metric, change), change.reference[clock]
        # Among few what is shared shrinks as the variant gets slower, and would make its reference the faster one.
        is_faster = reference.size > reference.rise if change.is_among_few else reference.is_better
        return innocent and (clock is Clock.DEVICE or is_faster)
    own = change.time(clock).own
    return effect.is_better and own < effect.size / 2


def _host_slowed_both(metric: Metric, change: CaseChange, shifts: Mapping[Clock, Shift]) -> bool:
    """Whether a wall time rose by the host, and the reference waited longer as well.

    Where the device's clock decides, or where everything is slower: then a case isn't to blame for being hit a little
    harder. The reference's rise must be half of the variant's at least; a variant that launches more is still told.
    """
    if metric.clock is not Clock.WALL or Clock.WALL not in change.reference:
        return False
    if change.clock is Clock.WALL:
        return shifts[Clock.WALL].is_slower and change.reference[Clock.WALL].size < change.metrics[metric].size / 2
    return change.reference[Clock.WALL].own < change.metrics[metric].own / 2


def _side_of_regression(change: CaseChange, clock: Clock) -> Moved | None:
    """None where a speedup fell and the variant alone can't be said to have got slower."""
    if clock is Clock.WALL and change.clock is Clock.DEVICE:
        return Moved.HOST
    reference = change.reference.get(clock)
    if reference is not None and abs(reference.own) > reference.threshold:
        return Moved.BOTH
    speedup = change.metrics.get(speedup_of(clock))
    own = change.time(clock).own
    if speedup is not None and own > -speedup.threshold / 2:
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
    return f"{as_pct(-size):+z.1f}%"
