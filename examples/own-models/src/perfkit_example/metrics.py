"""Our metric: how many pictures two callers get through in a second, as a small server would."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from perfkit.metrics.base import CaseMetric, CaseUnderTest
from perfkit.record.facts import Better

_CALLERS = 2
_WINDOW_S = 0.3


class ImagesPerSecond(CaseMetric):
    """Each caller is a thread that calls again as soon as its last call is done, for 0.3 s."""

    name = "images-per-s-2-callers"
    unit = "img/s"
    better = Better.HIGHER
    tolerance = 0.25
    """Our choice: a quarter more or less is what we would want to be told of."""

    def measure(self, case: CaseUnderTest) -> float:
        """Pictures that all callers have got answers for, by the second."""

        def calls_until(end_s: float) -> int:
            calls = 0
            while time.perf_counter() < end_s:
                case.call()
                calls += 1
            return calls

        case.call()
        started = time.perf_counter()
        with ThreadPoolExecutor(_CALLERS) as callers:
            calls = sum(callers.map(calls_until, [started + _WINDOW_S] * _CALLERS))
        return calls * case.shape[0] / (time.perf_counter() - started)
