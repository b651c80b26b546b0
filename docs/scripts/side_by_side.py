"""perfkit beside other tools; the tables of docs/side-by-side.md.

``python docs/scripts/side_by_side.py`` makes them from what ``python -m benchmarks.side_by_side.measure`` wrote:
results/cpu/side-by-side.jsonl and, where it has been measured, results/h200/side-by-side.jsonl.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median, stdev
from typing import Any

from blocks import with_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "side-by-side.md"
DATA = {name: ROOT / "results" / name / "side-by-side.jsonl" for name in ("cpu", "h200")}
NOT_YET, NO_VERDICT = "Not measured yet.", "has no verdict"
_CLEAN = ("baseline", "unchanged")


@dataclass(frozen=True)
class Measured:
    """The lines of one file, by kind."""

    about: dict[str, Any]
    processes: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    failed: list[dict[str, Any]]


def read(path: Path) -> Measured:
    """What one measurement wrote."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        rows[row["kind"]].append(row)
    (about,) = rows["about"]
    return Measured(about, rows["process"], rows["verdict"], rows["failed"])


def spread(data: Measured) -> list[str]:
    """One row a tool, clock and case: median speedup, and how far its logarithms move from process to process."""
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    times: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    references: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in data.processes:
        for reading in row["readings"] if row["arm"] in _CLEAN else ():
            for case, speedup in reading["speedups"].items():
                found[case, row["tool"], reading["clock"]].append(speedup)
                times[case, row["tool"], reading["clock"]].append(reading["times_s"][case])
                reference_s = reading["times_s"][reference_of(case, data)]
                references[case, row["tool"], reading["clock"]].append(reference_s)
    lines = [
        "| case | tool | clock | processes | speedup, median | smallest to largest | sd | time | sd | eager's |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    tools = list(data.about["tools"])
    for case, tool, clock in sorted(found, key=lambda key: (key[0], tools.index(key[1]), key[2])):
        speedups, own = found[case, tool, clock], times[case, tool, clock]
        lines.append(
            f"| {case} | {tool} | {clock} | {len(speedups)} | {median(speedups):.2f}x "
            f"| {min(speedups):.2f}x to {max(speedups):.2f}x | {logs_apart(speedups)} | {1e3 * median(own):.2f} ms "
            f"| {logs_apart(own)} | {1e3 * median(references[case, tool, clock]):.2f} ms |"
        )
    return [*lines, "", described(data)]


def reference_of(case: str, data: Measured) -> str:
    """The first case of the same model: what the speedups of the others are over."""
    model = case.partition("/")[0]
    return next(str(each) for each in data.about["cases"] if each.startswith(f"{model}/"))


def logs_apart(values: list[float]) -> str:
    """The standard deviation of the logarithms."""
    return f"{stdev(map(math.log, values)):.1%}" if len(values) > 1 else "—"


def said(data: Measured) -> list[str]:
    """One row a tool and rule: what it said of cases with nothing changed, and of the slowed one."""
    slowed = data.about["slowed"]["case"]
    clean: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    faulty: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in data.verdicts:
        key = (row["tool"], row["rule"], row["replicates"])
        for case, word in row["cases"].items():
            (faulty if (row["arm"], case) == ("slowed", slowed) else clean)[key].append(word)
    lines = [
        "| tool | its rule | processes | unchanged: slower | faster | undecided | slowed: slower | undecided |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for tool in data.about["tools"]:
        keys = [key for key in clean if key[0] == tool]
        if not keys:
            why = "said nothing" if data.about["tools"][tool]["judges"] else NO_VERDICT
            lines.append(f"| {tool} | {why} | — | — | — | — | — | — |")
        for key in keys:
            cells = [share(clean[key], word) for word in ("slower", "faster", "undecided")]
            cells += [share(faulty[key], word) for word in ("slower", "undecided")]
            lines.append(f"| {tool} | {key[1]} | {key[2]} | {' | '.join(cells)} |")
    for tool, why in data.about["absent"].items():
        lines.append(f"| {tool} | took no part: {why} | — | — | — | — | — | — |")
    size = data.about["slowed"]["share"]
    return [*lines, "", f"The slowed case is {slowed}, by {size:.0%} of its own time. {lost(data)}"]


def share(words: list[str], word: str) -> str:
    """So many of all."""
    return f"{words.count(word)} of {len(words)}" if words else "—"


def lost(data: Measured) -> str:
    """What of the plan isn't in the tables."""
    if not data.failed:
        return "No process failed."
    which = "; ".join(f"{row['tool']}, {row['arm']} {row['number']}: {row['why']}" for row in data.failed)
    return f"Processes that failed and are in no table: {which}."


def seconds(data: Measured) -> list[str]:
    """One row a tool: what an invocation takes and, with the processes that its rule looks at, a verdict."""
    lines = ["| tool | an invocation, s | fresh processes a case in it | a verdict, s |", "|---|---|---|---|"]
    for tool, plan in data.about["tools"].items():
        took_s = [row["seconds"] for row in data.processes if row["tool"] == tool]
        if not took_s:
            continue
        own = {row["replicates"] for row in data.verdicts if row["tool"] == tool and plan["judges"]}
        invocations = sorted({int(each.partition(" : ")[2]) // plan["processes"] for each in own})
        verdicts = " or ".join(f"{median(took_s) * count:.0f}" for count in invocations) or "—"
        verdicts = verdicts if plan["judges"] else NO_VERDICT
        lines.append(f"| {tool} | {median(took_s):.1f} | {plan['processes']} | {verdicts} |")
    return [
        *lines,
        "",
        f"Medians, all {len(data.about['cases'])} cases, imports and loading included; a verdict without its baseline.",
    ]


def described(data: Measured) -> str:
    """The machine, the versions and the day."""
    versions = ", ".join(f"{name} {version}" for name, version in data.about["versions"].items())
    about = data.about
    begun = max(row["number"] for row in data.processes)
    rounds = f"{begun}" if begun == about["rounds"] else f"{begun} of {about['rounds']}"
    return (
        f"{about['machine']}, load {about['load_average_1min']} before; {rounds} rounds; "
        f"{versions}; commit {about['commit']}; {about['datetime'][:10]}."
    )


def main() -> str:
    """The page with its tables made anew; a platform that wasn't measured says so."""
    blocks: dict[str, list[str]] = {}
    for name, path in DATA.items():
        data = read(path) if path.exists() else None
        for table in (spread, said, seconds):
            blocks[f"{name}-{table.__name__}"] = [NOT_YET] if data is None else table(data)
    return with_blocks(PAGE, blocks)


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
