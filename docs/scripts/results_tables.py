"""What variants come to on an H100, on one page: the tables of docs/results.md.

    python docs/scripts/results_tables.py    the processes of FOLDERS → docs/results.md

Numbers are medians over the processes; builds are those that made the engines of the store. Published figures stand in
``PUBLISHED``, with where they are from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from blocks import with_blocks
from gpu_records import load, machine_lines, milliseconds, speedup

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.judge.roofline import roofline_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.record.schema import CaseRecord, RunRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "results.md"
FOLDERS = tuple(ROOT / "results" / "h100" / "2026-11-26-nights" / f"baseline-card-{card}" for card in (0, 1))
SHAPE = "1x3x224x224"
_MIB = 2**20

Cases = dict[tuple[str, str, str], list["CaseRecord"]]
"""By model, variant and shape what each process recorded."""


@dataclass(frozen=True)
class Published:
    """A latency that others have published."""

    model: str
    variant: str
    """Ours that is nearest to it."""
    latency_ms: float
    on: str


PUBLISHED = (
    Published("resnet50", "trt-int8", 0.46, "A100, TensorRT 8.4, INT8 (PTQ), ResNet50-v1"),
    Published("mobilenet_v2", "trt-int8", 0.30, "A100, TensorRT 8.4, INT8 (PTQ)"),
)
"""By NVIDIA, of batch 1: docs.nvidia.com/deeplearning/tensorrt/tensorflow-quantization-toolkit, "Model Zoo Results"."""


def processes() -> tuple[list[RunRecord], Cases]:
    """The records of all processes, and their cases."""
    runs: list[RunRecord] = []
    found: Cases = {}
    for path in (path for folder in FOLDERS for path in sorted(folder.glob("replicate-*.json.xz"))):
        run, cases = load(path)
        runs.append(run)
        for case in cases:
            found.setdefault((case.model, case.variant, case.shape), []).append(case)
    return runs, found


def middle(numbers: Iterable[float]) -> float:
    """The median over processes."""
    return median(list(numbers))


def speed_table(cases: Cases) -> list[str]:
    """One row a model and variant, at one shape: how fast, and how right."""
    lines = [
        "| model | variant | device ms | device speedup | wall ms | wall speedup | SQNR, dB | same best class |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (model, variant, shape), found in cases.items():
        if shape != SHAPE:
            continue
        cells = [model, variant]
        for clock in ("device", "wall"):
            cells.append(f"{middle(milliseconds(getattr(c.rounds, f'variant_{clock}_s')) for c in found):.3f}")
            cells.append(f"{middle(speedup(c, clock)[0] for c in found):.2f}")
        agreement = found[0].agreement
        cells.append("—" if variant == REFERENCE_VARIANT else f"{agreement.sqnr_db_min:.0f}")
        same = agreement.top1_agreement
        cells.append("—" if same is None else f"{same * agreement.images:.0f} of {agreement.images}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def engine_table(cases: Cases) -> list[str]:
    """One row an engine: what it took to build, what it takes to load, and the memory that it holds."""
    lines = [
        "| model | variant | built in, s | loaded in, s | engine, MiB | activations, MiB | layers |",
        "|---|---|---|---|---|---|---|",
    ]
    for (model, variant, shape), found in cases.items():
        facts = found[0].facts
        if shape != SHAPE or facts.engine_bytes is None or facts.activation_bytes is None:
            continue
        loads = [c.facts.load_s for c in found if c.facts.load_s is not None]
        lines.append(
            f"| {model} | {variant} | {facts.build_s:.0f} | {middle(loads):.1f} | {facts.engine_bytes / _MIB:.1f}"
            f" | {facts.activation_bytes / _MIB:.1f} | {facts.layers} |"
        )
    return lines


def roofline_table(hardware: str, cases: Cases) -> list[str]:
    """One row a model and variant: so many times as long as the card must take at the least, by shape."""
    shapes = list(dict.fromkeys(shape for _, _, shape in cases))
    lines = [f"| model | variant | {' | '.join(shapes)} |", "|---" * (2 + len(shapes)) + "|"]
    for model, variant in dict.fromkeys((model, variant) for model, variant, _ in cases):
        cells = []
        for shape in shapes:
            found = cases[model, variant, shape]
            roofline = None if found[0].work is None else roofline_of(hardware, found[0].work)
            device_s = middle(milliseconds(c.rounds.variant_device_s) for c in found) / 1e3
            cells.append("—" if roofline is None else f"{device_s / roofline.least_s:.0f}x")
        lines.append(f"| {model} | {variant} | {' | '.join(cells)} |")
    return lines


def published_table(cases: Cases) -> list[str]:
    """What others have published beside the nearest of ours."""
    lines = ["| model | published, ms | of | ours, device ms | variant |", "|---|---|---|---|---|"]
    for each in PUBLISHED:
        found = cases[each.model, each.variant, SHAPE]
        ours_ms = middle(milliseconds(c.rounds.variant_device_s) for c in found)
        lines.append(f"| {each.model} | {each.latency_ms:.2f} | {each.on} | {ours_ms:.2f} | {each.variant} |")
    return lines


def main() -> str:
    """The page with its tables made anew."""
    runs, cases = processes()
    origin = f"{len(runs)} processes of the suite `{runs[0].suite}`, {len(cases)} cases."
    return with_blocks(
        PAGE,
        {
            "machine": [origin, "", *machine_lines(runs[0])],
            "speed": speed_table(cases),
            "engines": engine_table(cases),
            "roofline": roofline_table(runs[0].hardware.name, cases),
            "published": published_table(cases),
        },
    )


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
