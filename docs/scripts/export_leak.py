"""What torch.export leaves in a process that exports one model again and again: numbers of docs/reliability.md.

python docs/scripts/export_leak.py --output FILE        measures, on a CPU, without perfkit
python docs/scripts/export_leak.py                      results/cpu/2026-11-27-export-leak.json → docs/reliability.md
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import sys
from pathlib import Path
from typing import Any

from blocks import with_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
DATA = ROOT / "results" / "cpu" / "2026-11-27-export-leak.json"
_MODELS = ("mobilenet_v2", "resnet18", "resnet50")
_TIMES = 5
"""Exports of each; the first one warms PyTorch up."""


def measure() -> dict[str, Any]:
    """Objects that Python's collector knows after each export, fixed sizes first."""
    import psutil
    import torch
    import torchvision

    rows = []
    for name in _MODELS:
        model = torchvision.models.get_model(name, weights=None).eval()
        sizes = {axis: 16 * torch.export.Dim(label, min=7, max=14) for axis, label in ((2, "height"), (3, "width"))}
        for dynamic in (None, (sizes,)):
            objects, rss_bytes = [], []
            for _ in range(_TIMES):
                with torch.no_grad():
                    torch.export.export(model, (torch.zeros(1, 3, 112, 112),), dynamic_shapes=dynamic)
                gc.collect()
                objects.append(len(gc.get_objects()))
                rss_bytes.append(psutil.Process().memory_info().rss)
            rows.append({"model": name, "dynamic": dynamic is not None, "objects": objects, "rss_bytes": rss_bytes})
    software = {"python": sys.version.split()[0], "torch": torch.__version__, "torchvision": torchvision.__version__}
    return {"datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "software": software, "rows": rows}


def table(data: dict[str, Any]) -> list[str]:
    """What one more export leaves, over those after the first."""
    lines = ["| one more export of | sizes | leaves objects of Python |", "|---|---|---|"]
    for row in data["rows"]:
        left = (row["objects"][-1] - row["objects"][0]) / (len(row["objects"]) - 1)
        lines.append(f"| {row['model']} | {'112 to 224' if row['dynamic'] else 'fixed'} | {left:,.0f} |")
    versions = ", ".join(f"{name} {version}" for name, version in data["software"].items())
    return [*lines, "", f"Means of {len(data['rows'][0]['objects']) - 1} exports; {versions}, {data['datetime'][:10]}."]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"export-leak": table(json.loads(DATA.read_text("utf-8")))})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    if asked.output is None:
        PAGE.write_text(main(), "utf-8")
    else:
        asked.output.write_text(json.dumps(measure(), indent=1) + "\n", "utf-8")
