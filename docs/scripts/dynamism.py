"""What it costs that one engine serves every size; a table of docs/tensorrt.md: ``python docs/scripts/dynamism.py``.

The committed run is ``SUITE=dynamism docs/scripts/h100_measure.sh FOLDER record``.
"""

from __future__ import annotations

from pathlib import Path

from blocks import with_blocks
from gpu_records import load, milliseconds

from perfkit.catalog.case import REFERENCE_VARIANT

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tensorrt.md"
DATA = ROOT / "results" / "h100" / "2026-11-26-dynamism.json.xz"


def table() -> list[str]:
    """One row a variant and shape: the dynamic engine beside the one that is made for this shape alone."""
    cases = {(case.model, case.variant, case.shape): case for case in load(DATA)[1]}
    both = "dynamic, fixed"
    heads = ["variant", "shape"]
    for clock in ("device", "wall"):
        heads += [f"{clock} ms: {both}", "the dynamic one takes"]
    heads += [f"{what}: {both}" for what in ("layers", "engine MB", "activations MB")]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (label, variant, shape), fixed in cases.items():
        model, _, profile = label.partition("@")
        dynamic = cases.get((model, variant, shape))
        if not profile or dynamic is None or variant == REFERENCE_VARIANT:
            continue
        row = [variant, shape]
        for clock in ("device", "wall"):
            times_ms = [milliseconds(getattr(case.rounds, f"variant_{clock}_s")) for case in (dynamic, fixed)]
            row += [", ".join(f"{time:.3f}" for time in times_ms), f"{times_ms[0] / times_ms[1] - 1:+.1%}"]
        facts = [dynamic.facts, fixed.facts]
        row.append(", ".join(str(one.layers) for one in facts))
        row.append(", ".join(f"{(one.engine_bytes or 0) / 1e6:.1f}" for one in facts))
        row.append(", ".join(f"{(one.activation_bytes or 0) / 1e6:.1f}" for one in facts))
        lines.append(f"| {' | '.join(row)} |")
    return lines


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"dynamism": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
