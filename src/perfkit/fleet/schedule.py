"""Which work a free device gets next: longest first, nothing twice, and again what a lost device was at.

Pure: it knows no clock and starts nothing. Whoever runs it says which device is free, what has ended and what was lost;
`simulate` does so with a made-up clock, `on_ray` with machines.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.replicates.durations import Durations

RETRIES = 2
"""How often work is given to another device after one was lost over it: a third loss is the work's own doing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """All cases of one model in one replicate: they share the loaded model, its reference and its engines."""

    hardware: str
    """What it must be measured on; a run on several kinds of hardware is one run for each."""
    replicate: str
    model: str
    duration_s: float
    """As estimated."""
    overhead_s: float = 0.0
    """What of it a piece of it takes as well: a process starts, the model and its reference are loaded."""
    variants: int = 1
    """Into so many pieces it can be split: cases of one variant stay together, they share an engine."""
    piece: int = 0
    pieces: int = 1
    is_further: bool = False
    """Another replicate measures the same cases: it comes later, and may be dropped."""

    @classmethod
    def estimated(
        cls, durations: Durations, hardware: str, replicate: str, model: str, cases: Sequence[CaseId]
    ) -> Unit:
        """The unit that measures these cases of the model; without any, tests that are no cases."""
        overhead_s = durations.start_s + (durations.of_model(model) if cases else 0.0)
        return cls(
            hardware,
            replicate,
            model,
            overhead_s + sum(map(durations.of_case, cases)),
            overhead_s=overhead_s,
            variants=max(1, len({case.variant for case in cases})),
            is_further=_is_further(replicate),
        )

    def split(self, pieces: int) -> list[Unit]:
        """The same work in so many pieces."""
        each_s = self.overhead_s + (self.duration_s - self.overhead_s) / pieces
        return [replace(self, duration_s=each_s, piece=piece, pieces=pieces) for piece in range(pieces)]


def _is_further(replicate: str) -> bool:
    """Whether another replicate measures the same cases: all but the first do so; repeats are of cases in doubt."""
    return replicate.startswith("replicate-") and replicate != "replicate-1"


class Device(NamedTuple):
    """What runs one thing at a time: a GPU, or the processors of a host."""

    name: str
    hardware: str


class Lost(NamedTuple):
    """Work that is given up, and why."""

    unit: Unit
    reason: str


class Schedule:
    """List scheduling by longest processing time: a free device gets the longest unit of its hardware that may begin.

    First replicates go before further ones. A further unit of a model waits until the first unit of it on this
    hardware has ended, so that it finds the engines that the first one built and doesn't build others beside it.
    Towards the end a unit is split that would run longer than all that is left, shared out evenly: most devices would
    wait for it. Longest first is within 4/3 of the best there is (Graham, Bounds on multiprocessing timing anomalies,
    1969).
    """

    def __init__(self, units: Iterable[Unit], devices: Iterable[Device], retries: int = RETRIES) -> None:
        self._retries = retries
        self._devices = Counter(device.hardware for device in devices)
        self._ready: dict[str, list[tuple[bool, float, int, Unit]]] = defaultdict(list)
        self._left_s: dict[str, float] = defaultdict(float)
        """What those, and those that wait, take by the estimates."""
        self._waiting: dict[tuple[str, str], list[Unit]] = {}
        self._firsts: Counter[tuple[str, str]] = Counter()
        """How many pieces of a model's first unit haven't ended, as long as others wait for them."""
        self._running: dict[Device, Unit] = {}
        self._ends_s: dict[Device, float] = {}
        """When, by the estimates."""
        self._losses: Counter[tuple[str, str, str]] = Counter()
        self._estimated_s = self._taken_s = 0.0
        self._number = 0
        self.dropped: list[Unit] = []
        """Further replicates that would have taken longer than what was left of the time."""
        self.given_up: list[Lost] = []
        for unit in sorted(units, key=lambda unit: unit.is_further):
            key = (unit.hardware, unit.model)
            if key in self._waiting:
                self._waiting[key].append(unit)
                self._left_s[unit.hardware] += unit.duration_s
            else:
                self._waiting[key] = []
                self._firsts[key] = 1
                self._push(unit)

    def take(self, device: Device, now_s: float, left_s: float = math.inf) -> Unit | None:
        """What the device, which must be free, is to run now; None where nothing may begin.

        ``now_s`` is any clock's time; ``left_s`` is what is left of the time: further replicates that would take longer
        are dropped.
        """
        if device in self._running:
            raise ValueError(f"{device.name} is busy: a device runs one thing at a time")
        while (unit := self._pop(device.hardware)) is not None:
            if unit.is_further and unit.duration_s * self.pace > left_s:
                self.dropped.append(unit)
            elif (pieces := self._pieces(unit, now_s)) > 1:
                if (unit.hardware, unit.model) in self._waiting:
                    self._firsts[unit.hardware, unit.model] += pieces - 1
                for piece in unit.split(pieces):
                    self._push(piece)
            else:
                self._running[device] = unit
                self._ends_s[device] = now_s + unit.duration_s
                return unit
        return None

    @property
    def pace(self) -> float:
        """By what factor units took longer than estimated so far."""
        return self._taken_s / self._estimated_s if self._taken_s and self._estimated_s else 1.0

    def done(self, device: Device, took_s: float) -> None:
        """The device has ended what it ran."""
        unit = self._running.pop(device)
        del self._ends_s[device]
        self._taken_s += took_s
        self._estimated_s += unit.duration_s
        self._release(unit)

    def lost(self, device: Device, reason: str) -> None:
        """The device is gone. What it ran goes to another one, until that has been tried often enough."""
        self._devices[device.hardware] -= 1
        unit = self._running.pop(device, None)
        self._ends_s.pop(device, None)
        if unit is None:
            return
        key = (unit.hardware, unit.replicate, unit.model)  # all its pieces together: they have one cause
        self._losses[key] += 1
        if self._losses[key] > self._retries:
            self.given_up.append(Lost(unit, f"{reason}, and so it was {self._losses[key]} times"))
            self._release(unit)
        else:
            self._push(unit)

    def strand(self, hardware: str) -> list[Unit]:
        """Takes away what is left for a hardware of which no device is left, and returns it."""
        left = [unit for *_, unit in self._ready.pop(hardware, [])]
        for key in [key for key in self._waiting if key[0] == hardware]:
            left += self._waiting.pop(key)
        return left

    @property
    def is_done(self) -> bool:
        """Whether nothing runs, and nothing may begin any more."""
        return not self._running and not any(self._ready.values())

    def _push(self, unit: Unit) -> None:
        self._number += 1
        self._left_s[unit.hardware] += unit.duration_s
        heapq.heappush(self._ready[unit.hardware], (unit.is_further, -unit.duration_s, self._number, unit))

    def _pop(self, hardware: str) -> Unit | None:
        if not self._ready[hardware]:
            return None
        *_, unit = heapq.heappop(self._ready[hardware])
        self._left_s[hardware] -= unit.duration_s
        return unit

    def _pieces(self, unit: Unit, now_s: float) -> int:
        """Into how many pieces the unit, which nothing runs yet, is split."""
        if unit.pieces > 1 or unit.variants == 1 or self._devices[unit.hardware] == 1:
            return 1
        running_s = sum(
            max(0.0, at_s - now_s) for device, at_s in self._ends_s.items() if device.hardware == unit.hardware
        )
        share_s = (running_s + self._left_s[unit.hardware] + unit.duration_s) / self._devices[unit.hardware]
        if unit.duration_s <= share_s:
            return 1
        # A piece that takes as long as it takes to begin one isn't worth it.
        piece_s = max(share_s - unit.overhead_s, unit.overhead_s)
        return max(1, min(unit.variants, math.ceil((unit.duration_s - unit.overhead_s) / piece_s)))

    def _release(self, unit: Unit) -> None:
        """What waited for it may begin, once all of it has ended."""
        key = (unit.hardware, unit.model)
        if key not in self._waiting:
            return
        self._firsts[key] -= 1
        if self._firsts[key] == 0:
            for waiting in self._waiting.pop(key):
                self._left_s[unit.hardware] -= waiting.duration_s
                self._push(waiting)
