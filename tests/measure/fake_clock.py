"""A clock whose time is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfkit.measure.clock import Clock, NotQueued

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from perfkit.measure.replay import Replay


class FakeClock(Clock):
    """Time passes only in calls, each as long as the next of `durations_s`."""

    def __init__(self, durations_s: Iterable[float], *, device_s: Iterable[float | None] | None = None) -> None:
        self._durations_s: Iterator[float] = iter(durations_s)
        self._device_s = iter(device_s or ())
        self.has_device_time = device_s is not None
        self.settle_s = 0.0
        self._now_s = 0.0
        self.settling = False

    def now_s(self) -> float:
        return self._now_s

    def work(self) -> None:
        self._now_s += 0 if self.settling else next(self._durations_s)

    def settle(self, call: Callable[[], Any]) -> None:
        self.settling = True
        call()
        self.settling = False

    def device_s(self, call: Callable[[], Any]) -> float:
        call()
        taken = next(self._device_s)
        if taken is None:
            raise NotQueued("it synchronizes by itself")
        return taken

    def replayed_s(self, replay: Replay) -> float:
        return self.device_s(replay)

    def work_s(self, work: Callable[[], Any], typical_s: float) -> float:
        raise AssertionError((work, typical_s))

    def slowed(self, call: Callable[[Any], Any], delay_s: float) -> Callable[[Any], Any]:
        raise AssertionError((call, delay_s))
