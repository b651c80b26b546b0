"""Builds of one engine, with and without a timing cache; a table of docs/tensorrt.md.

The newest three runs are ``SUITE=tensorrt ONLY="mobilenet_v2 and onnx-trt-fp16 and not graph"
docs/scripts/h100_measure.sh FOLDER cold``.
"""

from __future__ import annotations

from pathlib import Path

from blocks import with_blocks
from gpu_records import load, milliseconds

from perfkit.record.schema import DeviceBy

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tensorrt.md"
H100 = ROOT / "results" / "h100"
VARIANT = "onnx-trt-fp16"
BUILDS = {
    "F, with earlier hosts' timing cache": "tensorrt/2026-11-25-mobilenet_v2",
    "F again, with that build's": "tensorrt-rebuilt-mobilenet_v2-onnx-trt-fp16",
    "G, with an empty timing cache": "tensorrt-cold-mobilenet_v2-onnx-trt-fp16",
    "G again, with that build's": "tensorrt-cold-rebuilt-mobilenet_v2-onnx-trt-fp16",
    "H, with an empty timing cache": "2026-11-26-cold/first",
    "H again, with that build's": "2026-11-26-cold/rebuilt",
    "H once more": "2026-11-26-cold/rebuilt-again",
}
"""Of mobilenet_v2's engine, in the order of building: what the build was, and its run."""


def table() -> list[str]:
    """One row a build: what they have in common, and how far their latencies differ."""
    lines = [
        "| on host | build s | the builder's own | engine | layers | device ms | taken |",
        "|---|---|---|---|---|---|---|",
    ]
    for build, name in BUILDS.items():
        found = [case for case in load(H100 / f"{name}.json.xz")[1] if case.variant == VARIANT]
        facts = found[0].facts
        own = "-" if facts.builder_s is None else f"{facts.builder_s:.1f}"
        times = ", ".join(f"{milliseconds(case.rounds.variant_device_s):.4f}" for case in found)
        lines.append(
            f"| {build} | {facts.build_s:.1f} | {own} | {(facts.engine_sha256 or '')[:8]} | {facts.layers} | {times} "
            f"| {found[0].rounds.device_by or DeviceBy.QUEUED} |"
        )
    return lines


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"builds": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
