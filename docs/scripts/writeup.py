"""The write-up's table done its way beside the honest one; the table of docs/tensorrt.md.

``python docs/scripts/writeup.py --measure FILE`` measures on a GPU; without the option the page's table is made from
the committed file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from gpu_host import described, keep, measure_or_write
from repository import ROOT, at_root

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "tensorrt.md"
DATA = ROOT / "results" / "h100" / "writeup.json"


def measure(target: Path) -> None:
    """Every variant, with the machine that it was measured on."""
    import torch

    with at_root():
        from benchmarks.writeup.measure import measure_writeup

    data = described()
    rows = measure_writeup(ROOT, torch.device("cuda", 0))
    keep(data | {"rows": [row.model_dump(mode="json") for row in rows]}, target)


def table(data: dict[str, Any]) -> list[str]:
    """One row a variant."""
    with at_root():
        from benchmarks.writeup.table import WriteupRow, writeup_lines

    return writeup_lines([WriteupRow.model_validate(row) for row in data["rows"]])


def main() -> str:
    """The page with its table made anew."""
    lines = table(json.loads(DATA.read_text("utf-8"))) if DATA.is_file() else ["Not measured yet."]
    return with_blocks(PAGE, {"writeup": lines})


if __name__ == "__main__":
    measure_or_write(__doc__, measure, PAGE, main)
