"""triton.testing.do_bench: the time between two events around each call, the cache cleared before it.

    python -m benchmarks.side_by_side.with_do_bench     measures all cases and prints them as JSON

Without a verdict there is nothing that an arm could change: only the baseline is measured.
"""

from __future__ import annotations

import json
import sys

from benchmarks.side_by_side.tool import One, Reading, Tool, reading
from benchmarks.side_by_side.workload import BASELINE, Place, cases_of, load


class DoBench(Tool):
    name = "triton do_bench"
    module = "triton"
    platforms = ("cuda",)
    arms = (BASELINE,)
    judges = False
    about_s = 15.0

    def measure(self, one: One) -> list[Reading]:
        printed = one.run("-m", "benchmarks.side_by_side.with_do_bench")
        return [reading(one.place.platform, json.loads(printed.splitlines()[-1]), "events")]


def _measure() -> dict[str, float]:
    from triton.testing import do_bench

    return {case: do_bench(load(case).start, return_mode="median") / 1e3 for case in cases_of(Place.here().platform)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure()) + "\n")
