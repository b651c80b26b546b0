"""What Ray made of two GPUs of one host, from what tests/gpu/test_fleet.py measured there: a table of docs/fleet.md.

    python docs/scripts/fleet_gpus.py                       results/h200/2026-11-27-ray → docs/fleet.md

Its folders are the test's two runs: ``fleet`` by ``perfkit run --on ray`` over both GPUs, ``alone`` on one of them.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from blocks import with_blocks
from packed import plain
from two_gpus import apart

from perfkit.record.read import read_runs

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "fleet.md"
KEPT = ROOT / "results" / "h200" / "2026-11-27-ray"


def tables() -> list[str]:
    """How long the two runs took, which GPU measured what, and how far their numbers lie apart."""
    with plain(KEPT / "alone") as alone, plain(KEPT / "fleet") as fleet:
        records = {
            title: [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
            for title, folder in (("on one GPU, without Ray", alone), ("over both, by Ray", fleet))
        }
        both = [read_runs(alone), read_runs(fleet)]
    run = records["over both, by Ray"][0]["perfkit"]
    software = ", ".join(f"{name} {run['software'][name]}" for name in ("python", "torch"))
    date = records["over both, by Ray"][0]["datetime"][:10]
    return [
        "| the same suite | processes | from one replicate's start to the next's | starting | rounds | all of it |",
        "|---|---|---|---|---|---|",
        *(row(title, found) for title, found in records.items()),
        "",
        "Starting, rounds and all of it are of the first replicate, summed over its processes.",
        "",
        *apart("over both GPUs beside one alone", both),
        "",
        f"{run['hardware']['name']}, {software}, {date}. {places(records)}.",
    ]


def row(title: str, found: list[dict[str, Any]]) -> str:
    """One run: its replicates' starts lie as far apart as one takes."""
    first_at, second_at = (dt.datetime.fromisoformat(record["datetime"]) for record in found)
    run = found[0]["perfkit"]
    spent = (f"{run['spent_s'][name]:.0f} s" for name in ("starting", "rounds", "whole"))
    return f"| {title} | {run['processes']} | {(second_at - first_at).total_seconds():.0f} s | {' | '.join(spent)} |"


def places(records: dict[str, list[dict[str, Any]]]) -> str:
    """Which process of a replicate had which GPU."""
    state = records["over both, by Ray"][0]["perfkit"]["machine_state"]
    uuids = sorted(
        {value for name, value in state.items() if name.startswith("process_") and name.endswith("gpu_uuid")}
    )
    found = []
    for record in records["over both, by Ray"]:
        own = record["perfkit"]
        of = {b["extra_info"]["perfkit"]["model"]: b["extra_info"]["perfkit"]["process"] for b in record["benchmarks"]}
        found.append(
            {model: uuids.index(own["machine_state"][f"process_{process}_gpu_uuid"]) for model, process in of.items()}
        )
    return ". ".join(
        f"Replicate {number}, "
        + ", ".join(
            f"on GPU {gpu}: {' and '.join(m for m in sorted(one) if one[m] == gpu)}" for gpu in range(len(uuids))
        )
        for number, one in enumerate(found, start=1)
    )


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"fleet-gpus": tables()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
