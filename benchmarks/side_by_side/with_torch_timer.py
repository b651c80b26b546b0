"""torch.utils.benchmark: ``blocked_autorange(min_run_time=1)`` as PyTorch's own recipe has it. It has no gate.

python -m benchmarks.side_by_side.with_torch_timer     measures all cases and prints them as JSON
"""

from __future__ import annotations

import json
import sys

from benchmarks.side_by_side.tool import One, Reading, Said, Tool, reading, words
from benchmarks.side_by_side.workload import BASELINE, Place, cases_of, load

_MIN_RUN_S = 1.0


class TorchTimer(Tool):
    name = "torch.utils.benchmark"
    module = "torch.utils.benchmark"
    judges = False
    about_s = 11.0

    def measure(self, one: One) -> list[Reading]:
        printed = one.run("-m", "benchmarks.side_by_side.with_torch_timer")
        (one.folder(self.name) / f"{one.name}.json").write_text(printed.splitlines()[-1])
        medians_s = {case: found["median_s"] for case, found in _found(one, one.place.arm).items()}
        return [reading(one.place.platform, medians_s)]

    def judged(self, one: One) -> list[Said]:
        """No verdict of its own: what a reader of Compare's table sees, which has only the digits that it trusts."""
        before, after = _found(one, BASELINE), _found(one, one.place.arm)
        slower = {case for case in before if after[case]["trimmed_s"] > before[case]["trimmed_s"]}
        return [
            {
                "rule": "no verdict; a larger number in its significant digits",
                "replicates": "1 : 1",
                "cases": words(list(before), slower),
            }
        ]


def _found(one: One, arm: str) -> dict[str, dict[str, float]]:
    path = one.folder(TorchTimer.name) / f"{arm}-{one.number}.json"
    found: dict[str, dict[str, float]] = json.loads(path.read_text())
    return found


def _measure() -> dict[str, dict[str, float]]:
    import torch
    from torch.utils.benchmark import Timer
    from torch.utils.benchmark.utils.common import trim_sigfig

    found = {}
    for case in cases_of(Place.here().platform):
        # Its default is one thread; what is compared runs with as many as PyTorch takes.
        timer = Timer("call()", globals={"call": load(case).start}, num_threads=torch.get_num_threads(), label=case)
        measured = timer.blocked_autorange(min_run_time=_MIN_RUN_S)
        digits = measured.significant_figures
        found[case] = {"median_s": measured.median, "trimmed_s": trim_sigfig(measured.median, digits), "digits": digits}
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure()) + "\n")
