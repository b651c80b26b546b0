"""What a session spends its time on: measuring is what it is for, the rest is overhead."""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Work(StrEnum):
    """What time is spent on; whatever isn't named is what remains of the whole."""

    STARTING = "starting"
    """From the start of the process until the first case may begin, and finding out which planned
    backends are there: imports, above all."""
    LOADING = "loading"
    """Models and pictures."""
    BUILDING = "building"
    """Variants, built or taken from the store."""
    ANSWERS = "answers"
    """Checking them."""
    COSTS = "costs"
    """What a case costs beside its latency: first calls, changes of shape, queued calls."""
    WARMING = "warming"
    """Until times are stable, and finding out how many rounds to take."""
    ROUNDS = "rounds"


class Spent:
    """Seconds of this process by what they were spent on; one thing at a time."""

    def __init__(self) -> None:
        self._seconds: dict[Work, float] = defaultdict(float)

    @contextmanager
    def on(self, work: Work) -> Iterator[None]:
        """What happens inside is that work."""
        began = time.perf_counter()
        try:
            yield
        finally:
            # A clock that is set back breaks the case whose times it took, not the run.
            self._seconds[work] += max(0.0, time.perf_counter() - began)

    def on_so_far_s(self, work: Work) -> float:
        """Seconds that were spent on it."""
        return self._seconds[work]

    def started(self) -> None:
        """Everything so far was starting."""
        self._seconds[Work.STARTING] = _age_s()

    def so_far_s(self) -> dict[str, float]:
        """Seconds by work, and ``whole``, since the process was started."""
        return {"whole": _age_s()} | {str(work): self._seconds[work] for work in Work if work in self._seconds}


def _age_s() -> float:
    import psutil  # not in every pytest that perfkit is installed beside

    return max(0.0, time.time() - psutil.Process().create_time())
