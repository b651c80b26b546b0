"""How far INT8 answers of random weights agree: ``python docs/scripts/int8_agreement.py``, for docs/architecture.md.

From results/cpu/2026-11-25-more-models.json, one run of models that the quick suite doesn't have.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from blocks import with_blocks

from perfkit.record.schema import CaseRecord, RunRecord, Status

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "architecture.md"
RECORD = ROOT / "results" / "cpu" / "2026-11-25-more-models.json"
VARIANT = "openvino-int8"


def table() -> list[str]:
    """One row a model: the lowest cosine at each shape, of broken cases from the reason that they ended with."""
    data = json.loads(RECORD.read_text("utf-8"))
    run = RunRecord.model_validate(data["perfkit"])
    records = [CaseRecord.model_validate(benchmark["extra_info"]["perfkit"]) for benchmark in data["benchmarks"]]
    measured = {(record.model, record.variant, record.shape): record.agreement.cosine_min for record in records}
    cells: dict[str, list[str]] = {}
    for outcome in run.outcomes:
        if outcome.variant != VARIANT:
            continue
        if outcome.status is Status.BROKEN:
            (told,) = re.findall(r"lowest cosine (-?[\d.]+) over", outcome.reason)
            cell = f"{float(told):.2f} BROKEN"
        else:
            cell = f"{measured[outcome.case]:.2f}"
        cells.setdefault(outcome.model, []).append(f"{cell} ({outcome.shape})")
    lines = [f"| model, {VARIANT} | lowest cosine |", "|---|---|"]
    lines += [f"| {model} | {', '.join(found)} |" for model, found in cells.items()]
    software = ", ".join(f"{name} {run.software[name]}" for name in ("python", "torch", "openvino", "nncf"))
    return [*lines, "", f"{run.hardware.name} x{run.hardware.count}, {software}, {data['datetime'][:10]}."]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"agreement": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
