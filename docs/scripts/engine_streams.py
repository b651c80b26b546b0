"""What a Torch-TensorRT engine's own stream costs, measured on a GPU; the table of docs/h100-first-nights.md.

``python docs/scripts/engine_streams.py --measure FILE`` loads the same two engines again and again in one process and
times each instance, left alone and placed on its caller's stream (3 minutes); without the option the page's table is
made from the committed file. perfkit's clock empties the GPU's cache since 2026-11-28; what is recorded is from before.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from gpu_host import described, keep, loaded, measure_or_write, tell

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "h100-first-nights.md"
DATA = ROOT / "results" / "h100" / "2026-11-25-engine-streams.json"
MODEL, SHAPE = "resnet18", (1, 3, 224, 224)
VARIANTS = ("trt-fp16", "trt-int8")
HOWS = {"left alone": 33, "placed": 12}
"""How many instances of each engine. 33 are one more than PyTorch's pool has streams."""
WARMUP, CALLS = 20, 40


def measure(target: Path) -> None:
    """Builds both engines, then times every instance."""
    import torch

    from perfkit.measure.clock import CudaClock
    from perfkit.record.facts import BuildFacts
    from perfkit.variants._torch_tensorrt import BuiltTensorrt, load_module, save_module
    from perfkit.variants.registry import load_variant

    torch.backends.cudnn.benchmark = True
    one = loaded(MODEL, "size")
    clock = CudaClock(one.device)
    (pictures,) = one.images.batches(SHAPE, one.model.preprocessing, 1, one.device)
    inputs = pictures.half()
    begun = described()
    measured: list[dict[str, Any]] = []
    streams: dict[str, list[int]] = {}
    last: dict[str, partial[Any]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for variant in VARIANTS:
            built = load_variant(variant).build(one.request)
            assert isinstance(built, BuiltTensorrt)
            save_module(built.module, folder / variant)
            built.close()
        with torch.inference_mode(), clock.timed_region():
            for variant, (how, count) in itertools.product(VARIANTS, HOWS.items()):
                for _ in range(count):
                    module = load_module(folder / variant)
                    call = BuiltTensorrt(module, BuildFacts(build_s=0)).call if how == "placed" else module
                    work = last[f"{variant} {how}"] = partial(call, inputs)
                    for _ in range(WARMUP):
                        work()
                    device_us = [round(clock.device_s(work) * 1e6, 2) for _ in range(CALLS)]
                    wall_us = [round(clock.wall_s(work) * 1e6, 2) for _ in range(CALLS)]
                    measured.append({"variant": variant, "how": how, "device_us": device_us, "wall_us": wall_us})
                    tell(f"{variant} {how}: {median(device_us):.1f} µs, wall {median(wall_us):.1f} µs")
            for what, work in last.items():
                streams[what] = _streams_of(work, folder / "trace.json")
                tell(f"{what}: streams {streams[what]}")
    keep(begun | {"instances": measured, "other_streams": streams}, target)


def _streams_of(call: Callable[[], Any], trace: Path) -> list[int]:
    """On which streams the call's kernels ran, each as its distance from the caller's: [0] is the caller's alone."""
    import torch

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiler:
        torch.cuda._sleep(1000)  # noqa: SLF001 - a kernel that shows the caller's stream
        call()
        torch.cuda.synchronize()
    profiler.export_chrome_trace(str(trace))
    kernels = [event for event in json.loads(trace.read_text())["traceEvents"] if event.get("cat") == "kernel"]
    callers = {event["args"]["stream"] for event in kernels if "spin" in event["name"]}
    used = {event["args"]["stream"] for event in kernels if "spin" not in event["name"]}
    return sorted(stream - min(callers, default=0) for stream in used)


def medians_us(data: dict[str, Any], variant: str, how: str, clock: str) -> list[float]:
    """Each instance's median, in the order of loading."""
    return [median(one[f"{clock}_us"]) for one in data["instances"] if (one["variant"], one["how"]) == (variant, how)]


def table(data: dict[str, Any]) -> list[str]:
    """One row an engine and a way to run it."""
    lines = [
        "| engine | stream | instances | device µs: fastest | median | slowest | wall µs: fastest | median | slowest |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for variant in VARIANTS:
        for how, count in HOWS.items():
            cells = []
            for clock in ("device", "wall"):
                times = medians_us(data, variant, how, clock)
                cells += [f"{value:.0f}" for value in (min(times), median(times), max(times))]
            lines.append(f"| {variant} | {how} | {count} | {' | '.join(cells)} |")
    return lines


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"streams": table(json.loads(DATA.read_text("utf-8")))})


if __name__ == "__main__":
    measure_or_write(__doc__, measure, PAGE, main)
