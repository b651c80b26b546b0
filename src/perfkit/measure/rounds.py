"""Paired rounds: the reference and the variant, interleaved, on the same inputs.

Each round measures both, in an order that alternates (ABBA), so that a slow drift of the machine hits both alike.
The variant's wall time is taken by pytest-benchmark's own loop; the rest happens in its set-up and tear-down.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from perfkit.measure.clock import Clock, NotQueued
from perfkit.record.schema import Rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WINDOW = 5
_SETTLED = 0.05
_MIN_WARMUP_CALLS = 2 * _WINDOW


@dataclass(frozen=True)
class WarmupResult:
    """``first_call_s`` includes lazy compilation; ``typical_s`` is the median of the last calls."""

    calls: int
    first_call_s: float
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
            return WarmupResult(len(times_s), times_s[0], now, stable)


@dataclass
class RoundRecorder:
    """Measures everything of a round but the variant's wall time.

    ``before`` and ``after`` are set-up and tear-down of the variant's timed call; which of them measures the
    reference alternates with the round.
    """

    clock: Clock
    reference: Callable[[Any], Any]
    variant: Callable[[Any], Any]
    inputs: Sequence[tuple[Any, Any]]
    """Pairs of the same images, prepared for the reference and for the variant."""
    order: list[str] = field(default_factory=list)
    reference_wall_s: list[float] = field(default_factory=list)
    reference_device_s: list[float] = field(default_factory=list)
    variant_device_s: list[float] = field(default_factory=list)
    device_time_lost: str | None = None
    """Why there are no device times although the platform has them."""
    _index: int = 0

    def before(self) -> Any:
        """Returns the variant's input for the next timed call."""
        reference_first = self._index % 2 == 0
        self.order.append("R" if reference_first else "V")
        if reference_first:
            self._measure_reference()
        self._measure_variant_device()
        return self._inputs()[1]

    def after(self) -> None:
        if self.order[-1] == "V":
            self._measure_reference()
        self._index += 1

    def rounds(self, variant_wall_s: Sequence[float]) -> Rounds:
        """The finished rounds. Device times are dropped whole if a single one couldn't be taken."""
        device = self.clock.has_device_time and self.device_time_lost is None
        return Rounds(
            order="".join(self.order),
            reference_wall_s=self.reference_wall_s,
            variant_wall_s=list(variant_wall_s),
            reference_device_s=self.reference_device_s if device else None,
            variant_device_s=self.variant_device_s if device else None,
        )

    def _inputs(self) -> tuple[Any, Any]:
        return self.inputs[self._index % len(self.inputs)]

    def _measure_reference(self) -> None:
        images = self._inputs()[0]
        self._measure_device(self.reference_device_s, lambda: self.reference(images))
        self.reference_wall_s.append(self.clock.wall_s(lambda: self.reference(images)))

    def _measure_variant_device(self) -> None:
        images = self._inputs()[1]
        self._measure_device(self.variant_device_s, lambda: self.variant(images))

    def _measure_device(self, times_s: list[float], call: Callable[[], Any]) -> None:
        """The device time of a call; without one, calls that only settle the machine for the wall time that follows."""
        if not self.clock.has_device_time or self.device_time_lost is not None:
            self.clock.settle(call)
            return
        try:
            times_s.append(self.clock.device_s(call))
        except NotQueued as error:
            self.device_time_lost = str(error)


def count_rounds(round_s: float, *, minimum: int, maximum: int, budget_s: float) -> int:
    """How many rounds of about ``round_s`` seconds fit the budget; even, so that both orders are equally frequent."""
    wanted = int(budget_s / round_s) if round_s > 0 else maximum
    count = min(max(wanted, minimum), maximum)
    return count + count % 2
