"""The tables of docs/fleet.md, from what benchmarks/scale/ has measured.

python docs/scripts/fleet_tables.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from blocks import with_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "fleet.md"
RAY = ROOT / "results" / "cpu" / "2026-11-26-fleet-ray.json"
SIMULATION = ROOT / "results" / "cpu" / "2026-11-26-fleet-simulation.json"


def simulation() -> list[str]:
    """One row for so many GPUs."""
    data: dict[str, Any] = json.loads(SIMULATION.read_text("utf-8"))
    lines = [
        "| GPUs | a night | over bound | with builds | over bound | nodes that die | then | lost work | schedule |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in data["rows"]:
        dead = f"{row['dead']} | {hours(row['dying_makespan_s'])} | {row['dying_wasted_s']:.0f} s"
        lines.append(
            f"| {row['gpus']} | {hours(row['makespan_s'])} | {over(row['makespan_s'], row['bound_s'])} "
            f"| {hours(row['cold_makespan_s'])} | {over(row['cold_makespan_s'], row['cold_bound_s'])} "
            f"| {dead if row['dead'] else '0 | | '} | {row['overhead_us_a_case']:.1f} µs |"
        )
    unit_s, cold_s = ([round(each) for each in data[name]] for name in ("unit_s", "cold_unit_s"))
    return [
        *lines,
        "",
        (
            f"{data['cases']:,} cases in {data['replicates']} replicates, {data['units']:,} units of {unit_s[0]} to "
            f"{unit_s[2]} s (median {unit_s[1]}), with builds up to {cold_s[2]} s; each differs from its estimate by "
            f"{data['spread']:.0%} a case. Schedule: what deciding costs, a case and replicate, "
            f"{data['cpu']}, python {data['python']}, {data['datetime'][:10]}."
        ),
    ]


def ray() -> list[str]:
    """One row for so many nodes."""
    data: dict[str, Any] = json.loads(RAY.read_text("utf-8"))
    work_s = data["cases"] * data["replicates"] * data["case_s"]
    lines = ["| devices | `perfkit run` took | of it cases, shared out evenly |", "|---|---|---|"]
    lines.append(f"| 1, without Ray | {data['alone_s']:.0f} s | {work_s:.0f} s |")
    rows = [f"| {row['nodes']} | {row['whole_s']:.0f} s | {work_s / row['nodes']:.0f} s |" for row in data["rows"]]
    return [
        *lines,
        *rows,
        "",
        (
            f"{data['models']} models, {data['cases']} cases, {data['replicates']} replicates; {data['cpu']}, "
            f"python {data['python']}, ray {data['ray']}, {data['datetime'][:10]}. The processors' load "
            f"before it: {data['load_before']}."
        ),
    ]


def over(makespan_s: float, bound_s: float) -> str:
    """By what share the one exceeds the other."""
    return f"{max(0.0, makespan_s / bound_s - 1):.1%}"


def hours(seconds: float) -> str:
    """``"7.8 h"``, below two hours ``"29.8 min"``."""
    return f"{seconds / 3600:.1f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.1f} min"


def main() -> str:
    """The page with its tables made anew."""
    return with_blocks(PAGE, {"fleet-simulation": simulation(), "fleet-ray": ray()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
