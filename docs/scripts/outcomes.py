"""What the rule says of committed pairs of runs; a table of docs/study.md: ``python docs/scripts/outcomes.py``."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from blocks import with_blocks
from packed import plain

from perfkit.judge.compare import judge
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import load_baseline
from perfkit.record.read import read_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.judge.verdict import Judgement
    from perfkit.record.replicate import Run

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "study.md"
RESULTS = ROOT / "results"
OF_NIGHTS = "h100/2026-11-26-nights/baseline.json"
STORED_H200 = "baselines/nvidia-h200-x1-140gib.json"
QUEUED = "h100/2026-11-25-baseline.json"
PAIRS = [
    *(
        (f"cpu/{which}/baseline.json", f"cpu/{which}/{run}")
        for which in (
            *(f"2026-11-25-demo{name}" for name in ("", "-repeats", "-third", "-fourth")),
            "2026-11-26-demo-fifth",
        )
        for run in ("unchanged", "slowed-10pct")
    ),
    ("cpu/2026-11-26-demo-sixth-one-thread/baseline.json", "cpu/2026-11-26-demo-sixth-one-thread/unchanged"),
    ("h100/2026-11-25-quick-run1.json", "h100/2026-11-25-quick-run2.json"),
    ("h100/2026-11-25-store-run1.json", "h100/2026-11-25-store-run2.json"),
    ("h100/2026-11-25-store-run1.json", "h100/2026-11-25-store-run3-slowed-10pct.json"),
    ("h100/2026-11-25-stream-run1.json", "h100/2026-11-25-stream-run2"),
    ("h100/2026-11-25-stream-run1.json", "h100/2026-11-25-stream-run3-slowed-10pct.json"),
    (QUEUED, "h100/2026-11-25-night-unchanged"),
    (QUEUED, "h100/2026-11-25-night-slowed"),
    (QUEUED, "h100/tensorrt/2026-11-25-mobilenet_v2.json.xz"),
    (QUEUED, "h100/tensorrt/2026-11-25-resnet50.json.xz"),
    (OF_NIGHTS, "h100/2026-11-26-nights/unchanged"),
    (OF_NIGHTS, "h100/2026-11-26-nights/slowed-10pct"),
    ("h200/2026-11-27-nights/drill/baseline.json", "h200/2026-11-27-nights/unchanged-1"),
    (STORED_H200, "h200/2026-11-28-nights/unchanged-1"),
]
"""Baseline and run, as paths under results/; of each run those whose name says so had one case slowed by 10%."""


def table() -> list[str]:
    """One row a pair."""
    lines = ["| baseline | run | replicates | compared | REGRESSED | could see |", "|---" * 6 + "|"]
    for base, run in PAIRS:
        judgement = judged(base, run)
        counts = Counter(row.verdict for row in judgement.rows if row.compared)
        verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
        regressed = ", ".join(str(row.case) for row in judgement.rows if row.verdict is Verdict.REGRESSED)
        seen = [row.detectable_pct for row in judgement.rows if row.detectable_pct is not None]
        before = judgement.baseline.replicates if judgement.baseline is not None else 0
        lines.append(
            f"| {short(base)} | {short(run)} | {before} : {judgement.run.replicates} | {verdicts} | {regressed or '-'} "
            f"| {min(seen):.1f} to {max(seen):.1f}% |"
        )
    return lines


def judged(base: str, run: str) -> Judgement:
    """By the rule of today."""
    runs = list(read(RESULTS / run))
    return judge(load_baseline(str(RESULTS / base), hardware=runs[0].hardware, results=RESULTS), runs)


def read(path: Path) -> Iterator[Run]:
    """The runs of a file or a folder; of packed files what they hold."""
    with plain(path) as unpacked:
        yield from read_runs(unpacked)


def short(path: str) -> str:
    """A path without what all of them have."""
    if path == STORED_H200:
        return "stored, H200"
    return re.sub(r"\d{4}-\d\d-\d\d-", "", path).split(".json")[0]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"outcomes": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
