"""What variants come to on H200s, on one page: the tables of docs/results.md.

    python docs/scripts/results_tables.py    the processes of NIGHTLY, and of EARLIER → docs/results.md

Numbers are medians over the processes that were alone on their GPU. Published figures stand in ``PUBLISHED``, with
where they are from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from blocks import with_blocks
from gpu_records import load, machine_lines, milliseconds, speedup

from perfkit.catalog.case import GRAPH_SUFFIX, REFERENCE_VARIANT
from perfkit.judge.roofline import roofline_of
from perfkit.record.schema import DeviceBy, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from perfkit.record.schema import CaseRecord, RunRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "results.md"
NIGHTLY = ROOT / "results" / "h200" / "2026-11-28-nightly"
EARLIER = ROOT / "results" / "h200" / "2026-11-27-nightly"
"""Of the models that NIGHTLY hasn't; its device times were taken in another way."""
MARK = " †"
SHAPE = "1x3x224x224"
FASTER = 1.02
_MIB = 2**20


@dataclass
class Measured:
    """What all processes recorded."""

    runs: list[RunRecord] = field(default_factory=list)
    cases: dict[tuple[str, str, str], list[CaseRecord]] = field(default_factory=dict)
    """By model, variant and shape, in the order of measuring."""
    broken: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """The reason of each case that no process measured."""

    def add(self, other: Measured) -> None:
        """Of its models that aren't here yet."""
        known = {model for model, _, _ in self.cases}
        self.cases |= {case: found for case, found in other.cases.items() if case[0] not in known}
        self.broken |= {case: why for case, why in other.broken.items() if case[0] not in known}

    def rows(self) -> list[tuple[str, str]]:
        """Models and shapes; with fixed profiles behind their plain models."""
        found = dict.fromkeys((model, shape) for model, _, shape in self.cases)
        return sorted(found, key=lambda row: row[0].partition("@"))

    def variants(self) -> list[str]:
        """All but the reference."""
        return [name for name in dict.fromkeys(variant for _, variant, _ in self.cases) if name != REFERENCE_VARIANT]


@dataclass(frozen=True)
class Published:
    """A latency that others have published."""

    model: str
    shape: str
    variant: str
    """Ours that is nearest to it."""
    latency_ms: float
    of: str


_AIT = "A100, AITemplate, FP16"
_EAGER = "A100, PyTorch 1.12 eager, FP16"
_PTQ = "A100, TensorRT 8.4, INT8 (PTQ)"
PUBLISHED = (
    Published("resnet50@fixed-224", SHAPE, "trt-int8", 0.46, f"{_PTQ}, ResNet50-v1"),
    Published("mobilenet_v2", SHAPE, "trt-int8", 0.30, _PTQ),
    Published("efficientnet_b0", SHAPE, "trt-int8", 0.67, _PTQ),
    Published("resnet50@fixed-224", SHAPE, "trt-fp16", 0.58, _AIT),
    Published("resnet50@fixed-224", SHAPE, "eager-fp16", 7.68, _EAGER),
    *(
        Published("vit_b_16", f"{batch}x3x224x224", variant, latency_ms, of)
        for batch, ait_ms, eager_ms in ((1, 1.02, 4.95), (8, 2.20, 5.56), (32, 6.51, 15.95))
        for variant, latency_ms, of in (("trt-fp16", ait_ms, _AIT), ("eager-fp16", eager_ms, _EAGER))
    ),
)
"""docs.nvidia.com/deeplearning/tensorrt/tensorflow-quantization-toolkit, "Model Zoo Results"; and the READMEs of
examples/01_resnet-50 and examples/04_vit of github.com/facebookincubator/AITemplate."""


def measured(folder: Path) -> Measured:
    """The records of all processes."""
    found = Measured()
    for path in sorted(folder.glob("shard-*/replicate-*.json.xz")):
        run, cases = load(path)
        found.runs.append(run)
        for case in cases:
            if not (case.conditions and case.conditions.spoiled):
                found.cases.setdefault((case.model, case.variant, case.shape), []).append(case)
        for outcome in run.outcomes:
            if outcome.status is Status.BROKEN:
                found.broken[outcome.model, outcome.variant, outcome.shape] = outcome.reason
    return found


def marked(model: str, found: Sequence[CaseRecord]) -> str:
    """The model's name, with MARK where its device time was taken as it isn't any more."""
    return model if found[0].rounds.device_by is DeviceBy.COLD else model + MARK


def middle(numbers: Iterable[float]) -> float:
    """The median over processes."""
    return median(list(numbers))


def device_ms(found: Sequence[CaseRecord]) -> float:
    """Of the variant's own calls."""
    return middle(milliseconds(case.rounds.variant_device_s) for case in found)


def wall_ms(found: Sequence[CaseRecord]) -> float:
    """The same by the wall clock."""
    return middle(milliseconds(case.rounds.variant_wall_s) for case in found)


def matrix(
    data: Measured,
    rows: Sequence[tuple[str, str]],
    cell: Callable[[Sequence[CaseRecord]], str],
    of_reference: tuple[str, Callable[[Sequence[CaseRecord]], str]] | None = None,
) -> list[str]:
    """A row a model and shape, a column a variant; before them one of the reference, with its name."""
    variants = data.variants()
    names = [*([] if of_reference is None else [of_reference[0]]), *variants]
    lines = [f"| case | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for model, shape in rows:
        reference = data.cases[model, REFERENCE_VARIANT, shape]
        cells = [f"{marked(model, reference)} {shape}"]
        if of_reference is not None:
            cells.append(of_reference[1](reference))
        for variant in variants:
            found = data.cases.get((model, variant, shape))
            cells.append(cell(found) if found else "BROKEN" if (model, variant, shape) in data.broken else "—")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def answers(found: Sequence[CaseRecord]) -> str:
    """How right."""
    agreement = found[0].agreement
    same = agreement.top1_agreement
    classes = "" if same is None else f", {same * agreement.images:.0f} of {agreement.images}"
    return f"{agreement.sqnr_db_min:.0f}{classes}"


def roofline(hardware: str) -> Callable[[Sequence[CaseRecord]], str]:
    """So many times as long as the card must take at the least."""

    def cell(found: Sequence[CaseRecord]) -> str:
        least = None if found[0].work is None else roofline_of(hardware, found[0].work)
        return "—" if least is None else f"{device_ms(found) / 1e3 / least.least_s:.0f}x"

    return cell


def engine_table(data: Measured) -> list[str]:
    """One row an engine: what it took to build, what it takes to load, and the memory that it holds."""
    lines = [
        "| model | variant | built in, s | loaded in, s | engine, MiB | activations, MiB | layers |",
        "|---|---|---|---|---|---|---|",
    ]
    seen = set()
    for (model, variant, _), found in sorted(data.cases.items(), key=lambda item: item[0][0].partition("@")):
        facts = found[0].facts
        if (
            (model, variant) in seen
            or variant.endswith(GRAPH_SUFFIX)
            or facts.engine_bytes is None
            or facts.activation_bytes is None
        ):
            continue
        seen.add((model, variant))
        loads = [case.facts.load_s for case in found if case.facts.load_s is not None]
        loaded = f"{middle(loads):.1f}"
        sizes = [f"{size / _MIB:.1f}" for size in (facts.engine_bytes, facts.activation_bytes)]
        cells = [marked(model, found), variant, f"{facts.build_s:.0f}", loaded, *sizes, str(facts.layers)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def int8_lines(data: Measured) -> list[str]:
    """In how many cases INT8 is faster on the device than FP16 by the same way, by more than FASTER."""
    lines = []
    for int8, fp16 in (("trt-int8", "trt-fp16"), ("onnx-trt-int8", "onnx-trt-fp16")):
        pairs = {
            (model, shape): device_ms(data.cases[model, fp16, shape]) / device_ms(found)
            for (model, variant, shape), found in data.cases.items()
            if variant == int8 and found[0].rounds.device_by is DeviceBy.COLD
        }
        faster = [f"{model} {shape} ({gain - 1:+.0%})" for (model, shape), gain in pairs.items() if gain > FASTER]
        by = f"more than {FASTER - 1:.0%} faster than {fp16}"
        lines.append(f"- {int8} is {by} in {len(faster)} of {len(pairs)} cases: {', '.join(faster) or 'none'}.")
    return lines


def published_table(data: Measured) -> list[str]:
    """What others have published beside the nearest of ours."""
    lines = ["| case | published, ms | of | variant | ours, device ms | ours, wall ms |", "|---" * 6 + "|"]
    for each in PUBLISHED:
        found = data.cases.get((each.model, each.variant, each.shape))
        ours = [f"{device_ms(found):.2f}", f"{wall_ms(found):.2f}"] if found else ["BROKEN", "BROKEN"]
        name = each.model if found is None else marked(each.model, found)
        cells = [f"{name} {each.shape}", f"{each.latency_ms:.2f}", each.of, each.variant, *ours]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> str:
    """The page with its tables made anew."""
    data, earlier = measured(NIGHTLY), measured(EARLIER)
    origins = [_origin(data), "", *machine_lines(data.runs[0])]
    of_today = len(data.cases)
    data.add(earlier)
    taken = len(data.cases) - of_today
    origins += ["", f"{MARK.strip()} {taken} cases of `{EARLIER.name}`. {_origin(earlier)}"]
    rows = data.rows()
    plain = [row for row in rows if row[1] == SHAPE]
    at_least = roofline(data.runs[0].hardware.name)
    return with_blocks(
        PAGE,
        {
            "machine": origins,
            "device": matrix(
                data,
                rows,
                lambda found: f"{middle_speedup(found, 'device'):.2f}",
                ("eager-fp32, device ms", lambda found: f"{device_ms(found):.3f}"),
            ),
            "wall": matrix(
                data,
                rows,
                lambda found: f"{middle_speedup(found, 'wall'):.2f}",
                ("eager-fp32, wall ms", lambda found: f"{wall_ms(found):.3f}"),
            ),
            "int8": int8_lines(data),
            "answers": matrix(data, plain, answers),
            "broken": [f"- {'/'.join(case)}: {why}" for case, why in sorted(data.broken.items())],
            "engines": engine_table(data),
            "memory": matrix(data, plain, call_mib, (f"{REFERENCE_VARIANT}, MiB", call_mib)),
            "device-memory": matrix(data, plain, device_mib, (f"{REFERENCE_VARIANT}, MiB", device_mib)),
            "roofline": matrix(data, plain, at_least, (REFERENCE_VARIANT, at_least)),
            "published": published_table(data),
        },
    )


def _origin(data: Measured) -> str:
    fewest, most = min(counts := [len(found) for found in data.cases.values()]), max(counts)
    times = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    cards = len({run.machine_state["start_gpu_uuid"] for run in data.runs})
    return (
        f"The suite `{data.runs[0].suite}` on {cards} cards, {len(data.runs)} processes in all, each of one shard: "
        f"{len(data.cases)} cases in {times} processes, {len(data.broken)} BROKEN."
    )


def call_mib(found: Sequence[CaseRecord]) -> str:
    """What a call takes of PyTorch's memory, the median over processes."""
    taken = [case.memory.call_bytes for case in found if case.memory.call_bytes is not None]
    return f"{middle(taken) / _MIB:.1f}" if taken else "-"


def device_mib(found: Sequence[CaseRecord]) -> str:
    """What the driver says that the whole device has in use, the median over processes."""
    used = [case.memory.device_used_bytes for case in found if case.memory.device_used_bytes is not None]
    return f"{middle(used) / _MIB:.0f}" if used else "-"


def middle_speedup(found: Sequence[CaseRecord], clock: str) -> float:
    """The median over processes of what each found."""
    return middle(speedup(case, clock)[0] for case in found)


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
