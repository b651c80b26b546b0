"""asv's benchmarks: one, over all cases. asv measures each case in a process of its own."""

from __future__ import annotations

from typing import ClassVar

from benchmarks.side_by_side.workload import Call, Place, cases_of, load


class Latency:
    params: ClassVar = [cases_of(Place.here().platform)]
    param_names: ClassVar = ["case"]
    loaded: ClassVar[dict[str, Call]] = {}

    def setup(self, case: str) -> None:
        # asv calls it again before every sample.
        if case not in self.loaded:
            self.loaded[case] = load(case)

    def time_call(self, case: str) -> None:
        self.loaded[case].whole()
