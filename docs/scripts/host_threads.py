"""What PyTorch's threads on the CPU cost where several GPUs are measured at once: a table of docs/shared-hosts.md.

    python docs/scripts/host_threads.py    results/h200/2026-11-27-host-threads and -two-gpus → docs/shared-hosts.md

These records are older than ``torch_threads``: how many threads a process had is in ``RUNS``, as it was started.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from blocks import with_blocks
from gpu_records import load

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "shared-hosts.md"
RESULTS = ROOT / "results" / "h200"
THREADS = "2026-11-27-host-threads"
TWO = "2026-11-27-two-gpus"


@dataclass(frozen=True)
class Runs:
    """Processes that were started alike."""

    at_once: int
    threads: int
    records: tuple[str, ...]


RUNS = (
    Runs(1, 64, (f"{THREADS}/alone-resnet50",)),
    Runs(3, 64, tuple(f"{THREADS}/three-at-once-{name}" for name in ("two-gpus", "study-1", "study-2"))),
    Runs(1, 8, (f"{TWO}/alone-0/replicate-1", f"{TWO}/alone-1/replicate-1")),
    Runs(2, 8, (f"{TWO}/shard-1/replicate-1", f"{TWO}/shard-2/replicate-1")),
)


def table() -> list[str]:
    """One row a process."""
    lines = ["| processes at once | threads each | models | loading | the whole process |", "|---|---|---|---|---|"]
    for runs in RUNS:
        for name in runs.records:
            run, cases = load(RESULTS / f"{name}.json.xz")
            models = ", ".join(sorted({case.model for case in cases}))
            lines.append(
                f"| {runs.at_once} | {runs.threads} | {models} | {run.spent_s['loading']:.1f} s"
                f" | {run.spent_s['whole']:.0f} s |"
            )
    return lines


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"host-threads": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
