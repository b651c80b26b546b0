"""Paired rounds: the reference and the variant, interleaved, on the same inputs.

Each round measures both, in an order that alternates (ABBA), so that a slow drift of the machine hits both alike.
Each side settles first and is then timed for a few calls: what counts is a call among its own kind, not one that meets
the caches and threads of the other side. The variant's wall times are taken by pytest-benchmark's own loop; the rest
happens in its set-up and tear-down.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from perfkit.garbage import uncollected
from perfkit.measure.clock import Clock, NotQueued
from perfkit.measure.watch import Watch
from perfkit.record.schema import DeviceBy, Rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfkit.measure.replay import Replay

_WINDOW = 5
_SETTLED = 0.05
_MIN_WARMUP_CALLS = 2 * _WINDOW
_TIMED_S = 0.01
_MAX_TIMED_CALLS = 16
_SHAPE_CHANGES = 3


@dataclass(frozen=True)
class WarmupResult:
    """``typical_s`` is the median of the last calls."""

    calls: int
    typical_s: float
    stable: bool


def warm_up(clock: Clock, calls: Sequence[Callable[[], Any]], max_s: float) -> WarmupResult:
    """Calls, in turn, until the medians of two neighbouring windows differ by less than 5%.

    ``calls`` are the same forward pass on different inputs. Ends after ``max_s`` seconds at the latest, but not
    before two windows, and says whether the times had settled.
    """
    times_s: list[float] = []
    while True:
        times_s.append(clock.wall_s(calls[len(times_s) % len(calls)]))
        if len(times_s) < _MIN_WARMUP_CALLS:
            continue
        before = statistics.median(times_s[-2 * _WINDOW : -_WINDOW])
        now = statistics.median(times_s[-_WINDOW:])
        stable = abs(math.log(now / before)) < _SETTLED
        if stable or sum(times_s) > max_s:
            return WarmupResult(len(times_s), now, stable)


def shape_change_s(clock: Clock, call: Callable[[Any], Any], inputs: Any, others: Any) -> float:
    """Seconds that a caller waits for a call on ``inputs`` just after one on ``others``, which have another shape.

    The median of a few. Backends set up again what depends on the shape: a context's bindings, a captured graph.
    """
    times_s = []
    for _ in range(_SHAPE_CHANGES):
        call(others)
        times_s.append(clock.wall_s(partial(call, inputs)))
    return statistics.median(times_s)


@dataclass
class RoundRecorder:
    """Measures everything of a round but the variant's wall times.

    ``before`` and ``after`` are set-up and tear-down of each of the variant's timed calls. Those of a round follow
    each other; the reference is measured before the first or after the last of them, alternating with the round.
    """

    clock: Clock
    reference: Callable[[Any], Any]
    variant: Callable[[Any], Any]
    inputs: Sequence[tuple[Any, Any]]
    """Pairs of the same images, prepared for the reference and for the variant."""
    reference_calls: int = 1
    variant_calls: int = 1
    """How many calls a round times; their median is the round's wall time."""
    replays: tuple[Replay, Replay] | None = None
    """The reference's and the variant's device work; None: the device times the calls themselves."""
    watch: Watch = field(default_factory=Watch)
    order: list[str] = field(default_factory=list)
    reference_wall_s: list[float] = field(default_factory=list)
    reference_device_s: list[float] = field(default_factory=list)
    variant_device_s: list[float] = field(default_factory=list)
    device_time_lost: str | None = None
    """Why there are no device times although the platform has them."""
    _round: int = 0
    _call: int = 0

    def before(self) -> Any:
        """Returns the variant's input for the next timed call."""
        if self._call == 0:
            reference_first = self._round % 2 == 0
            self.order.append("R" if reference_first else "V")
            if reference_first:
                self._measure_reference()
            self._settle_and_take_device(1, partial(self.variant, self._pair(0)[1]), self.variant_device_s)
        return self._pair(self._call)[1]

    def after(self) -> None:
        self._call += 1
        if self._call == self.variant_calls:
            if self.order[-1] == "V":
                self._measure_reference()
            self._call = 0
            self._round += 1
            self.watch.look()

    def rounds(self, variant_wall_s: Sequence[float]) -> Rounds:
        """The finished rounds that count; ``variant_wall_s`` are the times of all the variant's calls, in their order.

        Device times are dropped whole if a single one couldn't be taken.
        """
        device = self.clock.has_device_time and self.device_time_lost is None
        calls = self.variant_calls
        # A profiler's call of pytest-benchmark's is one more, and has no time.
        kept = [index for index in self.watch.kept if (index + 1) * calls <= len(variant_wall_s)]
        by = DeviceBy.COLD_QUEUED if self.replays is None else DeviceBy.COLD
        return Rounds(
            order="".join(self.order[index] for index in kept),
            reference_calls=self.reference_calls,
            variant_calls=calls,
            reference_wall_s=[self.reference_wall_s[index] for index in kept],
            variant_wall_s=[statistics.median(variant_wall_s[index * calls : (index + 1) * calls]) for index in kept],
            reference_device_s=[self.reference_device_s[index] for index in kept] if device else None,
            variant_device_s=[self.variant_device_s[index] for index in kept] if device else None,
            device_by=by if device else None,
        )

    def _pair(self, call: int) -> tuple[Any, Any]:
        """What a call of the round gets: each call other pictures, the same ones on both sides."""
        return self.inputs[(self._round + call) % len(self.inputs)]

    def _measure_reference(self) -> None:
        calls = [partial(self.reference, self._pair(call)[0]) for call in range(self.reference_calls)]
        self._settle_and_take_device(0, calls[0], self.reference_device_s)
        with uncollected():  # as around the variant's
            self.reference_wall_s.append(statistics.median(self.clock.wall_s(call) for call in calls))

    def _settle_and_take_device(self, side: int, call: Callable[[], Any], device_s: list[float]) -> None:
        """The device time where the platform has one, and untimed calls: each is timed behind its own kind."""
        if self.clock.has_device_time and self.device_time_lost is None:
            replay = None if self.replays is None else self.replays[side]
            self.clock.settle(replay or call)
            try:
                device_s.append(self.clock.device_s(call) if replay is None else self.clock.replayed_s(replay))
            except NotQueued as error:
                self.device_time_lost = str(error)
        self.clock.settle(call)


def timed_calls(typical_s: float) -> int:
    """How many calls a round times: about 10 ms of them, from 1 to 16."""
    return min(max(math.ceil(_TIMED_S / typical_s), 1), _MAX_TIMED_CALLS)


def count_rounds(round_s: float, *, minimum: int, maximum: int, budget_s: float) -> int:
    """How many rounds of about ``round_s`` seconds fit the budget; even, so that both orders are equally frequent."""
    wanted = int(budget_s / round_s) if round_s > 0 else maximum
    count = min(max(wanted, minimum), maximum)
    return count + count % 2
