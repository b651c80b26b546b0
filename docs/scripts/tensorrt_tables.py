"""Writes the tables of docs/tensorrt.md that come from run files: ``python docs/scripts/tensorrt_tables.py``.

Every file of ``results/h100/tensorrt/`` is one run; tests/docs checks that the page is what this makes.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from blocks import with_blocks
from gpu_records import load, milliseconds, speedup
from packed import content

from perfkit.catalog.case import CaseId
from perfkit.explain.explained import Explained
from perfkit.record.layers import EngineLayers
from perfkit.record.schema import CaseRecord, Outcome, Status
from perfkit.report.layers import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from perfkit.record.schema import RunRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tensorrt.md"
H100 = ROOT / "results" / "h100"
RUNS = sorted((H100 / "tensorrt").glob("*.json*"))
OTHERS = H100 / "2026-11-26-others.json.xz"
EXPLAINED = ("mobilenet_v2", ("trt-fp16", "onnx-trt-fp16"), "1x3x224x224")
SHOWN_LAYERS = 12
WIDTH = 200
BROKEN = "BROKEN"
_PLAIN = ("eager-fp16", "trt-fp16", "trt-int8", "onnx-trt-fp16", "onnx-trt-int8")
CHOICES = {
    "onnx-trt-fp16 / trt-fp16": [("onnx-trt-fp16", "trt-fp16")],
    "trt-int8 / trt-fp16": [("trt-int8", "trt-fp16")],
    "onnx-trt-int8 / onnx-trt-fp16": [("onnx-trt-int8", "onnx-trt-fp16")],
    "onnx-trt-fp16 / eager-fp16": [("onnx-trt-fp16", "eager-fp16")],
    "replayed from a CUDA graph / plain": [(f"{variant}-graph", variant) for variant in _PLAIN],
}
"""Whose device time is divided by whose."""


def ways_table(cases: list[CaseRecord], broken: list[Outcome]) -> list[str]:
    """One row a variant, its shapes from the smallest to the largest: speed by both clocks, and the answers."""
    lines = [
        "| model | variant | device ms | device speedup | wall ms | wall speedup | lowest cosine, SQNR |",
        "|---|---|---|---|---|---|---|",
    ]
    for (model, variant), found in by_variant(cases, broken):
        columns = []
        for clock, digits in (("device", 2), ("wall", 1)):
            columns.append(cells(found, partial(latency, clock)))
            columns.append(cells(found, partial(gain, clock, digits)) + spread(found, clock))
        lines.append(f"| {model} | {variant} | {' | '.join(columns)} | {answers(found)} |")
    return lines


def choices_table(runs: list[list[CaseRecord]]) -> list[str]:
    """What one choice changes where all else is the same, the run too, over a model's shapes."""
    timed = [{(c.model, c.variant, c.shape): milliseconds(c.rounds.variant_device_s) for c in cases} for cases in runs]
    lines = ["| device time of | model | cases | from | to | slower in |", "|---|---|---|---|---|---|"]
    for choice, pairs in CHOICES.items():
        for model in dict.fromkeys(case.model for cases in runs for case in cases):
            ratios = [
                times_ms[model, new, shape] / times_ms[model, old, shape]
                for times_ms in timed
                for new, old in pairs
                for name, variant, shape in times_ms
                if (name, variant) == (model, new) and (model, old, shape) in times_ms
            ]
            if ratios:
                slower = sum(ratio > 1 for ratio in ratios)
                lines.append(
                    f"| {choice} | {model} | {len(ratios)} | {min(ratios):.2f} | {max(ratios):.2f} | {slower} |"
                )
    return lines


def costs_table(cases: list[CaseRecord], broken: list[Outcome]) -> list[str]:
    """One row a variant: what it costs beside its latency."""
    lines = [
        "| model | variant | load s | first call ms | after another shape ms | call MB | device used MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for (model, variant), found in by_variant(cases, broken):
        load_s = next((case.facts.load_s for case in found if not isinstance(case, str)), None)
        lines.append(
            f"| {model} | {variant} | {'-' if load_s is None else f'{load_s:.2f}'} "
            f"| {cells(found, lambda case: told(case.warmup.variant_cold_call_s, 1e3, 1))} "
            f"| {cells(found, lambda case: told(case.warmup.variant_shape_change_s, 1e3, 2))} "
            f"| {cells(found, lambda case: told(case.memory.call_bytes, 1e-6, 1))} "
            f"| {cells(found, lambda case: told(case.memory.device_used_bytes, 1e-6, 0))} |"
        )
    return lines


def broken_table(outcomes: list[Outcome]) -> list[str]:
    """One row a variant and reason: what was built and not measured, or not built."""
    lines = ["| model | variant | shapes | reason |", "|---|---|---|---|"]
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for outcome in outcomes:
        reasons.setdefault((outcome.model, outcome.variant, outcome.reason), []).append(outcome.shape)
    lines += [
        f"| {model} | {variant} | {', '.join(shapes)} | {reason} |"
        for (model, variant, reason), shapes in reasons.items()
    ]
    return lines


def engines_table(cases: list[CaseRecord]) -> list[str]:
    """One row an engine: what was built."""
    lines = [
        "| model | variant | build s | layers of operators | compute layers | reformats | engine MB | activations MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    engines = {
        (case.model, case.variant): case.facts
        for case in cases
        if case.facts.engines and not case.variant.endswith("-graph")
    }
    for (model, variant), facts in engines.items():
        operators = "" if facts.total_ops is None else f" of {facts.total_ops}"
        lines.append(
            f"| {model} | {variant} | {facts.build_s:.0f} | {facts.layers}{operators} "
            f"| {facts.delivered_layers} of {facts.compute_layers} as named | {facts.reformat_layers} "
            f"| {(facts.engine_bytes or 0) / 1e6:.1f} | {told(facts.activation_bytes, 1e-6, 1)} |"
        )
    return lines


def explained(cases: list[CaseRecord]) -> list[str]:
    """What ``perfkit explain`` prints of the two engines, from the layers that lay beside them in the store."""
    model, (a, b), shape = EXPLAINED
    sides = [read_layers(model, variant) for variant in (a, b)]
    operators = [
        next(case.facts.total_ops for case in cases if (case.model, case.variant) == (model, variant))
        for variant in (a, b)
    ]
    text = render(
        Explained.of(
            names=(f"{model}/{a}", f"{model}/{b}"),
            operators=(operators[0], operators[1]),
            layers=(sides[0].layers, sides[1].layers),
            shape=shape,
        ),
        SHOWN_LAYERS,
        WIDTH,
    )
    return ["```", *text.splitlines(), "```"]


def read_layers(model: str, variant: str) -> EngineLayers:
    """The committed layers of an engine."""
    path = H100 / "layers" / f"{model}-{variant}.json.xz"
    return EngineLayers.model_validate(json.loads(content(path)))


def newest(runs: list[tuple[RunRecord, list[CaseRecord]]]) -> tuple[list[CaseRecord], list[Outcome]]:
    """Of runs in the order of measuring, how each case ended last: measured or BROKEN."""
    ended: dict[CaseId, CaseRecord | Outcome] = {}
    for run, cases in runs:
        ended |= {outcome.case: outcome for outcome in run.outcomes if outcome.status is Status.BROKEN}
        ended |= {CaseId(case.model, case.variant, case.shape): case for case in cases}
    last = list(ended.values())
    return [case for case in last if isinstance(case, CaseRecord)], [end for end in last if isinstance(end, Outcome)]


def by_variant(
    cases: list[CaseRecord], broken: list[Outcome]
) -> Iterator[tuple[tuple[str, str], list[CaseRecord | str]]]:
    """The shapes of each model and variant, in the order of measuring; BROKEN stands for one that has no record."""
    found: dict[tuple[str, str, str], CaseRecord | str] = {(c.model, c.variant, c.shape): c for c in cases}
    found |= {(o.model, o.variant, o.shape): BROKEN for o in broken}
    models = list(dict.fromkeys(model for model, _, _ in found))
    variants = list(dict.fromkeys(variant for _, variant, _ in found))
    ordered = sorted(found, key=lambda key: (models.index(key[0]), variants.index(key[1]), pixels(key[2])))
    for key, group in groupby(ordered, key=lambda key: key[:2]):
        yield key, [found[case] for case in group]


def pixels(shape: str) -> list[int]:
    """A shape's sizes: the smaller come first."""
    return [int(size) for size in shape.split("x")]


def cells(found: Iterable[CaseRecord | str], text: Callable[[CaseRecord], str]) -> str:
    """One entry a shape; a variant that is broken at all of them has one entry."""
    entries = [entry if isinstance(entry, str) else text(entry) for entry in found]
    return BROKEN if set(entries) == {BROKEN} else ", ".join(entries)


def latency(clock: str, case: CaseRecord) -> str:
    """The median over the rounds, in ms."""
    return f"{milliseconds(case.rounds.variant_device_s if clock == 'device' else case.rounds.variant_wall_s):.3f}"


def gain(clock: str, digits: int, case: CaseRecord) -> str:
    """The speedup over eager-fp32."""
    return f"{speedup(case, clock)[0]:.{digits}f}"


def spread(found: Iterable[CaseRecord | str], clock: str) -> str:
    """The largest half-width of the rounds' middle half."""
    spreads = [speedup(case, clock)[1] for case in found if not isinstance(case, str)]
    return f" ±{max(spreads):.{1 if clock == 'device' else 0}%}" if spreads else ""


def answers(found: Iterable[CaseRecord | str]) -> str:
    """The worst of the shapes that were measured."""
    agreements = [case.agreement for case in found if not isinstance(case, str)]
    if not agreements:
        return BROKEN
    return f"{min(a.cosine_min for a in agreements):.5f}, {min(a.sqnr_db_min for a in agreements):.0f} dB"


def told(value: float | None, factor: float, digits: int) -> str:
    """A number in the column's unit, or a dash."""
    return "-" if value is None else f"{value * factor:.{digits}f}"


def main() -> str:
    """The page with its tables made anew."""
    runs = [load(path) for path in RUNS]
    cases, broken = newest(runs)
    return with_blocks(
        PAGE,
        {
            "ways": ways_table(cases, broken),
            "choices": choices_table([found for _, found in runs]),
            "broken": broken_table(broken),
            "costs": costs_table(cases, broken),
            "engines": engines_table(cases),
            "others": ways_table(*newest([load(OTHERS)])),
            "explained": explained(cases),
        },
    )


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
