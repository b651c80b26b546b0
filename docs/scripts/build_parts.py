"""What builds of one engine take and how they differ; tables of docs/tensorrt.md.

``python docs/scripts/build_parts.py --measure FILE`` builds mobilenet_v2 in FP16 through ONNX in this process, a fresh one
as perfkit's builds have, and then once more, with the timing cache that is there; without the option the page's tables are
made from the committed files.
"""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

from blocks import with_blocks
from gpu_host import described, keep, loaded, measure_or_write, tell
from gpu_records import load, milliseconds

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tensorrt.md"
H100 = ROOT / "results" / "h100"
DATA = H100 / "2026-11-26-build-parts.json"
MODEL, PROFILE, VARIANT = "mobilenet_v2", "size", "onnx-trt-fp16"
BUILDS = {
    "F, with earlier hosts' timing cache": "tensorrt/2026-11-25-mobilenet_v2",
    "F again, with that build's": "tensorrt-rebuilt-mobilenet_v2-onnx-trt-fp16",
    "G, with an empty timing cache": "tensorrt-cold-mobilenet_v2-onnx-trt-fp16",
    "G again, with that build's": "tensorrt-cold-rebuilt-mobilenet_v2-onnx-trt-fp16",
    "H, with an empty timing cache": "2026-11-26-cold/first",
    "H again, with that build's": "2026-11-26-cold/rebuilt",
    "H once more": "2026-11-26-cold/rebuilt-again",
}
"""Of the same engine, in the order of building."""


def measure(target: Path) -> None:
    """Seconds of each part, of the process's first build and of its second."""
    one = loaded(MODEL, PROFILE)
    data = described() | {"model": MODEL, "builds": []}
    for _ in range(2):
        data["builds"].append(parts(one.request))
        tell(str(data["builds"][-1]))
        keep(data, target)


def parts(request: Any) -> dict[str, float]:
    """One build, step by step, as variants/_onnx_trt.py has them."""
    import tensorrt as trt
    import torch

    from perfkit.variants._export import example_shape
    from perfkit.variants._onnx import INPUT, export_onnx
    from perfkit.variants._tensorrt import log
    from perfkit.variants._timing_cache import read_timing_cache, timing_cache_path

    laps: dict[str, float] = {}
    last_s = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal last_s
        torch.cuda.synchronize()
        laps[name] = time.perf_counter() - last_s
        last_s = time.perf_counter()

    onnx = export_onnx(copy.deepcopy(request.model).half(), request.profile, request.example.half())
    lap("export_s")
    builder: Any = trt.Builder(log())
    lap("start_s")
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    trt.OnnxParser(network, log()).parse(onnx)
    lap("parse_s")
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    profile.set_shape(INPUT, request.profile.min, example_shape(request.profile), request.profile.max)
    config.add_optimization_profile(profile)
    cache = config.create_timing_cache(read_timing_cache(timing_cache_path(request.cache)))
    config.set_timing_cache(cache, ignore_mismatch=False)
    lap("timing_cache_s")
    builder.build_serialized_network(network, config)
    lap("build_s")
    return laps


def builds_table() -> list[str]:
    """Builds of one engine: what they have in common, and how far their latencies differ."""
    lines = ["| on host | seconds | the builder's own | engine | layers | device ms | |", "|---|---|---|---|---|---|---|"]
    for build, name in BUILDS.items():
        found = [case for case in load(H100 / f"{name}.json.xz")[1] if case.variant == VARIANT]
        facts = found[0].facts
        own = "-" if facts.builder_s is None else f"{facts.builder_s:.1f}"
        times = ", ".join(f"{milliseconds(case.rounds.variant_device_s):.4f}" for case in found)
        lines.append(
            f"| {build} | {facts.build_s:.1f} | {own} | {(facts.engine_sha256 or '')[:8]} | {facts.layers} | {times} "
            f"| {found[0].rounds.device_by or 'queued'} |"
        )
    return lines


def table(data: dict[str, Any]) -> list[str]:
    """One row a build."""
    names = {
        "export_s": "export to ONNX",
        "start_s": "TensorRT's start",
        "parse_s": "parsing",
        "timing_cache_s": "reading the timing cache",
        "build_s": "the builder's own",
    }
    return [
        f"| {MODEL}/{VARIANT}, s | {' | '.join(names.values())} | all |",
        "|---|" + "---|" * (len(names) + 1),
        *(
            f"| build {number} of a process | {' | '.join(f'{laps[name]:.2f}' for name in names)} | {sum(laps.values()):.2f} |"
            for number, laps in enumerate(data["builds"], start=1)
        ),
        "",
        f"{data['gpu']['name']}, {data['datetime'][:10]}; tensorrt {data['software']['tensorrt']}.",
    ]


def main() -> str:
    """The page with its tables made anew."""
    parts_taken = table(json.loads(DATA.read_text("utf-8")))
    return with_blocks(PAGE, {"builds": builds_table(), "build-parts": parts_taken})


if __name__ == "__main__":
    measure_or_write(__doc__, measure, PAGE, main)
