"""Memory that runs short: little of it is left, or what was in it has to be read from a disk again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

LOW_SHARE = 0.02
"""Of the machine's memory, still available: below it the kernel is about to swap, or to end a process."""
MAJOR_FAULTS = 10
"""In one round. Each waits for a disk, 0.1 ms at the least; after the warm-up a process has all that it needs."""


class MemoryWatcher:
    """The machine's available memory, and the pages of this process that weren't in it when they were needed."""

    def __init__(
        self, available_share: Callable[[], float] | None = None, major_faults: Callable[[], int] | None = None
    ) -> None:
        self._available_share = available_share or _available_share
        self._major_faults = major_faults or _major_faults
        self.start()

    def start(self) -> None:
        self._first = self._last = self._major_faults()
        self._shares: list[float] = []

    def look(self) -> str | None:
        self._shares.append(self._available_share())
        before, self._last = self._last, self._major_faults()
        if self._last - before > MAJOR_FAULTS:
            return "memory was read back from a disk"
        if self._shares[-1] < LOW_SHARE:
            return "the machine was short of memory"
        return None

    def seen(self) -> dict[str, float]:
        if not self._shares:
            return {}
        return {"available_memory_share": round(min(self._shares), 4), "major_faults": self._last - self._first}


def _available_share() -> float:
    memory = psutil.virtual_memory()
    return float(memory.available / memory.total)


def _major_faults() -> int:
    """Of this process since it began; 0 where the system doesn't count them."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt
