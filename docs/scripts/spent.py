"""What a run's time was spent on; a table of docs/speed.md.

    python docs/scripts/spent.py --keep RUN.json   of a run's file → results/cpu/2026-11-26-spent.json
    python docs/scripts/spent.py                   that → docs/speed.md

The file holds what the run's record says, and no times of cases.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from packed import content

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "speed.md"
KEPT = ROOT / "results" / "cpu" / "2026-11-26-spent.json"
SOAK = ROOT / "results" / "h100" / "2026-11-27-soak.json"
FEW = ROOT / "results" / "h200" / "2026-11-27-ray" / "alone" / "replicate-1.json.xz"
"""Processes on a GPU with the usual settings: one of many cases, and one of few."""
SHORT = ROOT / "results" / "h200" / "2026-11-27-nights" / "baseline-card-0" / "replicate-1.json.xz"
"""And one with 1.5 s for a case's rounds."""
ALIKE = ("baseline-card-*", "more", "unchanged-1", "drill/clean")
"""Beside that one: folders of processes that did the same."""


def keep(path: Path) -> None:
    """Of the run what its time was spent on, on what, and of each case what its rounds took."""
    data = json.loads(path.read_text("utf-8"))
    run = data["perfkit"]
    records = [benchmark["extra_info"]["perfkit"] for benchmark in data["benchmarks"]]
    kept = {
        "datetime": data["datetime"],
        "hardware": run["hardware"],
        "software": {name: run["software"][name] for name in ("python", "torch", "openvino")},
        "settings": run["settings"],
        "spent_s": run["spent_s"],
        "cases": [
            {key: record[key] for key in ("model", "variant", "shape", "rounds_s")}
            | {"others_cpu_share": record["conditions"]["others_cpu_share"]}
            for record in records
        ],
    }
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


def rows(of_run: Mapping[str, float]) -> list[str]:
    """A record's ``spent_s``, the longest first; builds are no part of the whole."""
    spent_s = dict(of_run)
    whole_s = spent_s.pop("whole") - spent_s.pop("building")
    spent_s["else"] = whole_s - sum(spent_s.values())
    lines = ["| spent on | s | share, builds aside |", "|---|---|---|"]
    for name, part_s in sorted(spent_s.items(), key=lambda part: -part[1]):
        lines.append(f"| {name} | {part_s:.1f} | {part_s / whole_s:.0%} |")
    return lines


def table() -> list[str]:
    """One row a kind of work."""
    data: dict[str, Any] = json.loads(KEPT.read_text("utf-8"))
    busy = [case["others_cpu_share"] for case in data["cases"]]
    hardware, software = data["hardware"], data["software"]
    models = ", ".join(dict.fromkeys(case["model"] for case in data["cases"]))
    return [
        *rows(data["spent_s"]),
        "",
        (
            f"{len(data['cases'])} cases of {models} in one process, engines from the store: "
            f"{hardware['name']} x{hardware['count']}, {data['settings']['threads']} threads, "
            f"{', '.join(f'{name} {version}' for name, version in software.items())}, {data['datetime'][:10]}. "
            f"Other processes took {min(busy):.0%} to {max(busy):.0%} of the processors meanwhile."
        ),
    ]


def on_gpus() -> list[str]:
    """The same of a process of many cases on a GPU, and the rounds' share in one of few."""
    many = json.loads(SOAK.read_text("utf-8"))
    few = json.loads(content(FEW))
    of_few: dict[str, float] = few["perfkit"]["spent_s"]
    share = in_rounds(of_few)
    software = ", ".join(f"{name} {version}" for name, version in many["software"].items())
    card = few["perfkit"]["hardware"]["name"]
    return [
        *rows(many["spent_s"]),
        "",
        (
            f"{many['cases']} cases in one process of {many['took_s'] / 60:.0f} minutes, "
            f"{many['spent_s']['building']:.0f} s of them for builds: {many['machine']}, {software}, "
            f"{many['datetime'][:10]}. In one of {len(few['benchmarks'])} cases, {of_few['whole']:.0f} s on an {card}, "
            f"{share:.0%} went into rounds."
        ),
    ]


def with_short_rounds() -> list[str]:
    """The same with less time for rounds, after freeing variants had become quick."""
    data = json.loads(content(SHORT))
    run = data["perfkit"]
    nights = SHORT.parents[1]
    alike = [path for folder in ALIKE for path in nights.glob(f"{folder}/replicate-*.json.xz")]
    least, *others = sorted(in_rounds(json.loads(content(path))["perfkit"]["spent_s"]) for path in alike)
    return [
        *rows(run["spent_s"]),
        "",
        (
            f"{len(data['benchmarks'])} cases in one process of {run['spent_s']['whole'] / 60:.0f} minutes, engines "
            f"from the store, 20 rounds a case and more: {run['hardware']['name']}, "
            f"python {run['software']['python']}, torch {run['software']['torch']}, {data['datetime'][:10]}. "
            f"Of {1 + len(others)} such processes {others[0]:.0%} to {others[-1]:.0%} went into rounds, "
            f"and {least:.0%} in one."
        ),
    ]


def in_rounds(of_run: Mapping[str, float]) -> float:
    """The rounds' share, builds aside."""
    return of_run["rounds"] / (of_run["whole"] - of_run["building"])


def main() -> str:
    """The page with its tables made anew."""
    return with_blocks(PAGE, {"spent": table(), "spent-gpu": on_gpus(), "spent-short": with_short_rounds()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="RUN.json")
    if (run := parser.parse_args().keep) is not None:
        keep(run)
    PAGE.write_text(main(), "utf-8")
