"""Writes the tables of docs/tensorrt.md that come from run files: ``python docs/scripts/tensorrt_tables.py``.

Every file of ``results/h100/tensorrt/`` is one run; tests/docs checks that the page is what this makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from blocks import with_blocks
from h100_tables import load, milliseconds, speedup

if TYPE_CHECKING:
    from perfkit.record.schema import CaseRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tensorrt.md"
RUNS = sorted((ROOT / "results" / "h100" / "tensorrt").glob("*.json"))


_COLUMNS = (
    *("model", "variant", "shape", "device ms", "device speedup", "wall ms", "wall speedup"),
    *("first call ms", "after another shape ms", "lowest cosine, SQNR"),
)


def ways_table(cases: list[CaseRecord]) -> list[str]:
    """One row a case: speed by both clocks, what it costs beside that, and the answers."""
    lines = [
        f"| {' | '.join(_COLUMNS)} |",
        "|---" * len(_COLUMNS) + "|",
    ]
    for case in cases:
        device, device_spread = speedup(case, "device")
        wall, wall_spread = speedup(case, "wall")
        costs = first_calls(case)
        lines.append(
            f"| {case.model} | {case.variant} | {case.shape} | {milliseconds(case.rounds.variant_device_s):.3f} "
            f"| {device:.2f} ±{device_spread:.1%} | {milliseconds(case.rounds.variant_wall_s):.3f} "
            f"| {wall:.1f} ±{wall_spread:.0%} | {' | '.join(costs)} "
            f"| {case.agreement.cosine_min:.5f}, {case.agreement.sqnr_db_min:.0f} dB |"
        )
    return lines


def first_calls(case: CaseRecord) -> tuple[str, str]:
    """The first call at the shape, and one after another shape, in ms."""
    times_s = (case.warmup.variant_cold_call_s, case.warmup.variant_shape_change_s)
    cold, change = ("-" if time_s is None else f"{time_s * 1e3:.2f}" for time_s in times_s)
    return cold, change


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
        activations = "-" if facts.activation_bytes is None else f"{facts.activation_bytes / 1e6:.1f}"
        lines.append(
            f"| {model} | {variant} | {facts.build_s:.0f} | {facts.layers}{operators} "
            f"| {facts.delivered_layers} of {facts.compute_layers} as named | {facts.reformat_layers} "
            f"| {(facts.engine_bytes or 0) / 1e6:.1f} | {activations} |"
        )
    return lines


def main() -> str:
    """The page with its tables made anew."""
    cases = [case for path in RUNS for case in load(path)[1]]
    return with_blocks(PAGE, {"ways": ways_table(cases), "engines": engines_table(cases)})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
