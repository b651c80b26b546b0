"""optimum-benchmark: its inference scenario, for 5 s instead of 10, and its process launcher. It has no gate.

    python -m benchmarks.side_by_side.with_optimum     measures all cases and prints them as JSON

Its own backends load models of Hugging Face's hub, so that torchvision's need a backend of the user's
(``optimum_backend.py``). Without a verdict there is nothing that an arm could change: only the baseline is measured.
"""

from __future__ import annotations

import json
import sys

from benchmarks.side_by_side.tool import One, Reading, Tool, reading
from benchmarks.side_by_side.workload import BASELINE, Place, cases_of

_DURATION_S = 5
"""Hundreds of calls; its default would make the whole measurement longer by five minutes."""


class Optimum(Tool):
    name = "optimum-benchmark"
    module = "optimum_benchmark"
    arms = (BASELINE,)
    judges = False
    about_s = 50.0

    def measure(self, one: One) -> list[Reading]:
        environment = {"LOG_LEVEL": "ERROR", "LOG_TO_FILE": "0", "HF_HUB_OFFLINE": "1"}
        printed = one.run("-m", "benchmarks.side_by_side.with_optimum", environment=environment)
        clock = "events" if one.place.platform == "cuda" else "wall"
        return [reading(one.place.platform, json.loads(printed.splitlines()[-1]), clock)]


def _measure() -> dict[str, float]:
    from optimum_benchmark import Benchmark, BenchmarkConfig, InferenceConfig, ProcessConfig

    from benchmarks.side_by_side.optimum_backend import CallConfig

    platform = Place.here().platform
    shapes = {"batch_size": 1, "num_channels": 3, "height": 224, "width": 224}
    found = {}
    for case in cases_of(platform):
        config = BenchmarkConfig(
            name=case.replace("/", "-"),
            backend=CallConfig(
                model=case,
                library="transformers",
                task="image-classification",
                model_type="resnet",  # whose made-up pictures it makes; the call has its own
                device=platform,
                device_ids=Place.here().card or None,  # else it takes all GPUs, whatever it was shown
            ),
            scenario=InferenceConfig(duration=_DURATION_S, input_shapes=shapes),
            launcher=ProcessConfig(),
        )
        found[case] = float(Benchmark.launch(config).forward.latency.p50)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure()) + "\n")
