"""The write-up's table done its way beside the honest one; the table of docs/tensorrt.md.

``python docs/scripts/writeup.py --measure FILE`` measures on a GPU; without the option the page's table is made from
the committed file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import Any

from blocks import with_blocks

from perfkit.record.writeup import WriteupRow
from perfkit.report.writeup import writeup_lines

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tensorrt.md"
DATA = ROOT / "results" / "h100" / "writeup.json"


def measure() -> dict[str, Any]:
    """Every variant, with the machine that it was measured on."""
    import torch

    from perfkit.catalog.case import Platform
    from perfkit.measure.machine import gpu_info, momentary_state, software_versions
    from perfkit.measure.writeup import measure_writeup

    state = momentary_state(Platform.CUDA)
    rows = measure_writeup(ROOT, torch.device("cuda", 0))
    return {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "gpu": gpu_info(),
        "state": state,
        "software": software_versions(),
        "rows": [row.model_dump(mode="json") for row in rows],
    }


def table(data: dict[str, Any]) -> list[str]:
    """One row a variant."""
    return writeup_lines([WriteupRow.model_validate(row) for row in data["rows"]])


def main() -> str:
    """The page with its table made anew."""
    lines = table(json.loads(DATA.read_text("utf-8"))) if DATA.is_file() else ["Not measured yet."]
    return with_blocks(PAGE, {"writeup": lines})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", type=Path, metavar="FILE")
    target = parser.parse_args().measure
    if target is not None:
        target.write_text(json.dumps(measure(), separators=(",", ":")) + "\n", "utf-8")
    else:
        PAGE.write_text(main(), "utf-8")
