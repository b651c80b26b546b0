"""How long the history takes at full size: the table of docs/history.md.

``PERFKIT_HISTORY_RECORD=results/history/NAME.json pytest benchmarks/test_history.py`` measures; ``python
docs/scripts/history_tables.py`` makes the table from the newest committed file.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from blocks import with_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "history.md"
FOLDER = ROOT / "results" / "history"


def table(records: list[dict[str, Any]]) -> list[str]:
    """A row a command, a column a database; below it what was measured on what."""
    names = list(dict.fromkeys(name for record in records for name in record["seconds"]))
    heads = " | ".join(record["database"] for record in records)
    lines = [f"| seconds, of the processor | {heads} |", "|---" * (1 + len(records)) + "|"]
    for name in names:
        cells = [shown(record["seconds"].get(name)) for record in records]
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    for record in records:
        versions = ", ".join(f"{name} {version}" for name, version in record["software"].items())
        size = f"{record['nights']} nights of {record['cases']} cases, {record['measurements']:,} measurements"
        busy = f"load average {record['load_average']}"
        lines += ["", f"{record['database']}: {size}. {record['machine']}, {busy}, {versions}, {record['date']}."]
    return lines


def shown(all_s: list[list[float]] | None) -> str:
    """The medians of the seconds that it took, and of those that the processor worked for it."""
    return "-" if all_s is None else ", ".join(f"{median(times):.2f}" for times in zip(*all_s, strict=True))


def main() -> str:
    """The page with its table made anew."""
    newest = max(FOLDER.glob("*.json"))
    return with_blocks(PAGE, {"scale": table(json.loads(newest.read_text("utf-8"))["records"])})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
