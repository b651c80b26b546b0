"""A run over devices that aren't there: the real schedule, an event at a time, with a clock that is only counted."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perfkit.fleet.schedule import RETRIES, Lost, Schedule, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from perfkit.fleet.schedule import Device


@dataclass
class Simulated:
    """How it came out."""

    makespan_s: float = 0.0
    """When the last unit ended."""
    busy_s: float = 0.0
    """Device seconds of units that ended."""
    wasted_s: float = 0.0
    """Device seconds of units whose device died over them."""
    ended: list[Unit] = field(default_factory=list)
    given_up: list[Lost] = field(default_factory=list)
    stranded: list[Unit] = field(default_factory=list)
    """Units for which no device was left."""


def simulate(
    units: Iterable[Unit],
    devices: Sequence[Device],
    *,
    takes_s: Callable[[Unit], float] = lambda unit: unit.duration_s,
    deaths_s: Mapping[Device, float] | None = None,
    retries: int = RETRIES,
) -> Simulated:
    """Runs all units; the schedule sees their estimates, ``takes_s`` is what they really take.

    ``deaths_s`` says when a device is gone for good, in seconds since the beginning.
    """
    simulation = _Simulation(Schedule(units, devices, retries), devices, takes_s)
    for device, at_s in (deaths_s or {}).items():
        simulation.plan(at_s, device, None)
    return simulation.run()


class _Simulation:
    def __init__(self, schedule: Schedule, devices: Sequence[Device], takes_s: Callable[[Unit], float]) -> None:
        self._schedule, self._takes_s = schedule, takes_s
        self._outcome = Simulated()
        self._alive = set(devices)
        self._idle: dict[str, list[Device]] = defaultdict(list)
        for device in devices:
            self._idle[device.hardware].append(device)
        self._began_s: dict[Device, float] = {}
        self._events: list[tuple[float, int, Device, Unit | None]] = []
        self._number = 0

    def plan(self, at_s: float, device: Device, unit: Unit | None) -> None:
        """The device ends the unit then, or dies."""
        self._number += 1
        heapq.heappush(self._events, (at_s, self._number, device, unit))

    def run(self) -> Simulated:
        """Event by event, until nothing is left."""
        self._begin(0.0)
        while self._events and not self._schedule.is_done:
            now_s, _, device, unit = heapq.heappop(self._events)
            if device not in self._alive:
                continue
            if unit is None:
                self._die(device, now_s)
            else:
                self._end(device, unit, now_s)
            self._begin(now_s)
        self._outcome.given_up = self._schedule.given_up
        return self._outcome

    def _begin(self, now_s: float) -> None:
        """Every idle device for which there is work begins it."""
        for hardware, waiting in self._idle.items():
            while waiting and (unit := self._schedule.take(waiting[-1], now_s)) is not None:
                device = waiting.pop()
                self._began_s[device] = now_s
                self.plan(now_s + self._takes_s(unit), device, unit)
            if not any(device.hardware == hardware for device in self._alive):
                self._outcome.stranded += self._schedule.strand(hardware)

    def _end(self, device: Device, unit: Unit, now_s: float) -> None:
        took_s = now_s - self._began_s[device]
        self._schedule.done(device, took_s)
        self._outcome.ended.append(unit)
        self._outcome.busy_s += took_s
        self._outcome.makespan_s = now_s
        self._idle[device.hardware].append(device)

    def _die(self, device: Device, now_s: float) -> None:
        self._alive.remove(device)
        if device in self._idle[device.hardware]:
            self._idle[device.hardware].remove(device)
        else:
            self._outcome.wasted_s += now_s - self._began_s[device]
        self._schedule.lost(device, "its node died")
