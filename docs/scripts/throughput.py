"""Images per second with batches in flight over N streams, measured on a GPU; the table of docs/tensorrt.md.

``python docs/scripts/throughput.py --measure FILE`` builds each engine once, gives each stream an execution context of
it, and measures 1 to 8 streams, with and without copies from and to the host; without the option the page's table is
made from the committed file.
"""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from gpu_host import described, keep, loaded, measure_or_write, tell
from repository import ROOT, at_root

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.variants.base import Built

PAGE = ROOT / "docs" / "tensorrt.md"
DATA = ROOT / "results" / "h100" / "throughput.json"
MODELS, SHAPE = ("mobilenet_v2", "resnet50"), (1, 3, 224, 224)
VARIANTS = ("eager-fp16", "eager-fp16-graph", "onnx-trt-fp16", "onnx-trt-fp16-graph")
STREAMS = (1, 2, 4, 8)


def measure(target: Path) -> None:
    """Measures every variant at every number of streams; the file grows by a row each."""
    import torch

    from perfkit.measure.clock import CudaClock
    from perfkit.variants.registry import load_variant

    with at_root():
        from benchmarks.throughput import StreamLane, images_per_s

    torch.backends.cudnn.benchmark = True
    clock = CudaClock(torch.device("cuda", 0))
    data = described() | {"shape": list(SHAPE), "rows": []}
    for name in MODELS:
        one = loaded(name, "size")
        (pictures,) = one.images.batches(SHAPE, one.model.preprocessing, 1, one.device)
        for plain in dict.fromkeys(variant.removesuffix("-graph") for variant in VARIANTS):
            built = load_variant(plain).build(one.request)
            inputs = built.prepare(pictures)
            for variant in (way for way in VARIANTS if way.removesuffix("-graph") == plain):
                for copies in (False, True):
                    for streams in STREAMS:
                        with torch.inference_mode():
                            lanes = [
                                StreamLane(beside(built, graph=variant != plain), inputs, copies=copies)
                                for _ in range(streams)
                            ]
                            found = images_per_s(clock, lanes, SHAPE[0])
                        row = {"model": name, "variant": variant, "copies": copies, "streams": streams}
                        data["rows"].append({**row, "images_per_s": [round(rate, 1) for rate in found]})
                        tell(f"{row}: {median(found):.0f} images/s")
                        keep(data, target)
            built.close()


def beside(built: Built, *, graph: bool) -> Built:
    """The same engine or model once more, with what a stream needs of its own."""
    from perfkit.variants._graph import ReplayedGraph
    from perfkit.variants._tensorrt import BuiltEngine

    one = BuiltEngine(built.plan, built.facts, built.engine) if isinstance(built, BuiltEngine) else built
    return ReplayedGraph(one) if graph else one


def table(data: dict[str, Any]) -> list[str]:
    """One row a model and variant; the best number of streams in bold."""
    heads = [f"{streams} streams" if streams > 1 else "1 stream" for streams in STREAMS]
    lines = [f"| model | variant | copies | {' | '.join(heads)} |", "|---" * (3 + len(heads)) + "|"]
    rows: dict[tuple[str, str, bool], dict[int, float]] = {}
    for row in data["rows"]:
        rows.setdefault((row["model"], row["variant"], row["copies"]), {})[row["streams"]] = median(row["images_per_s"])
    for (model, variant, copies), found in rows.items():
        best = max(found, key=lambda streams: found[streams])
        cells = [
            f"**{found[streams]:,.0f}**" if streams == best else f"{found[streams]:,.0f}" if streams in found else "-"
            for streams in STREAMS
        ]
        lines.append(f"| {model} | {variant} | {'yes' if copies else 'no'} | {' | '.join(cells)} |")
    return lines


def main() -> str:
    """The page with its table made anew."""
    lines = table(json.loads(DATA.read_text("utf-8"))) if DATA.is_file() else ["Not measured yet."]
    return with_blocks(PAGE, {"throughput": lines})


if __name__ == "__main__":
    measure_or_write(__doc__, measure, PAGE, main)
