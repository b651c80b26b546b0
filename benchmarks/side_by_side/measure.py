"""perfkit beside what a user would pick instead: every tool measures the same calls, in turn, in fresh processes.

    python -m benchmarks.side_by_side.measure --platform cpu --output results/cpu/DATE-side-by-side.jsonl

In each round every tool measures the baseline, then every tool the arm with nothing changed and every tool the arm with
one case really slowed, or these two the other way round; the tools take turns in who is first. So a drift of the
machine meets all of them alike. What a process measured, and what a tool says, is added to the file as it comes.
``docs/scripts/side_by_side.py`` makes the tables of docs/side-by-side.md from it. Nothing else should run meanwhile.
Interrupted, as on a host whose time is over, it judges what has been measured until then.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform as system
import tempfile
import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.side_by_side.tool import One, Tool, tell
from benchmarks.side_by_side.with_asv import Asv
from benchmarks.side_by_side.with_do_bench import DoBench
from benchmarks.side_by_side.with_optimum import Optimum
from benchmarks.side_by_side.with_perfkit import Perfkit
from benchmarks.side_by_side.with_pytest_benchmark import PytestBenchmark
from benchmarks.side_by_side.with_torch_timer import TorchTimer
from benchmarks.side_by_side.workload import BASELINE, ROOT, SHARE, SLOWED, SLOWED_ARM, UNCHANGED, Place, cases_of
from perfkit.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOOLS: tuple[Tool, ...] = (Perfkit(), PytestBenchmark(), TorchTimer(), DoBench(), Asv(), Optimum())
_PACKAGES = (
    *("torch", "torchvision", "openvino", "triton", "perfkit"),
    *("pytest-benchmark", "asv", "optimum-benchmark", "transformers"),
)
_PREPARING_S = 30.0


def rounds(tools: Sequence[Tool], processes: int) -> Iterator[tuple[int, str, Tool]]:
    """Number of the round, arm and tool, in the order of measuring; at least so many processes of each arm."""
    for number in range(1, processes + 1):
        first = (number - 1) % len(tools)
        turn = [*tools[first:], *tools[:first]]
        changed = (UNCHANGED, SLOWED_ARM) if number % 2 else (SLOWED_ARM, UNCHANGED)
        for arm in (BASELINE, *changed):
            for tool in turn:
                if arm in tool.arms and (number - 1) % tool.processes == 0:
                    yield number, arm, tool


def measure(tools: Sequence[Tool], place: Place, processes: int, limit_s: float, output: Path) -> None:
    """Adds one line a process, one a verdict, and one a process that failed."""
    order = list(rounds(tools, processes))
    estimate_s = sum(tool.about_s for _, _, tool in order)
    ended: dict[str, dict[str, list[int]]] = {tool.name: {arm: [] for arm in tool.arms} for tool in tools}
    began_s = time.monotonic()
    for number, arm, tool in order:
        one = One(replace(place, arm=arm), number, limit_s)
        row: dict[str, Any] = {"tool": tool.name, "arm": arm, "number": number}
        took = None
        try:
            took = tool.timed(one, judge=arm != BASELINE and number in ended[tool.name][BASELINE])
        except KeyboardInterrupt:
            add(output, {"kind": "failed", **row, "why": "interrupted, with all that would have followed"})
            break
        except Exception as error:  # whatever it is, it must not cost what the others measure
            add(output, {"kind": "failed", **row, "why": reason_of(error)})
        else:
            ended[tool.name][arm].append(number)
            add(output, {"kind": "process", **row, "seconds": round(took.seconds, 2), "readings": took.readings})
            for said in took.said:
                add(output, {"kind": "verdict", **row, **said})
        estimate_s -= tool.about_s
        outcome = "failed" if took is None else f"{took.seconds:.0f} s"
        passed_s = time.monotonic() - began_s
        tell(
            f"{passed_s / 60:4.0f} min: round {number}, {arm}, {tool.name}: {outcome}; about {estimate_s / 60:.0f} left"
        )
    for tool in tools:
        try:
            together = tool.judged_together(place, ended[tool.name])
        except Exception as error:  # as above
            add(output, {"kind": "failed", "tool": tool.name, "arm": "judging", "number": 0, "why": reason_of(error)})
        else:
            for arm, said in together:
                add(output, {"kind": "verdict", "tool": tool.name, "arm": arm, **said})


def add(output: Path, row: dict[str, Any]) -> None:
    """One line at the end of the file."""
    with output.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def about(platform: str, processes: int, tools: Sequence[Tool]) -> dict[str, Any]:
    """What was measured, where, and with which versions."""
    from perfkit.catalog.case import Platform
    from perfkit.measure.machine import cpu_count, cpu_name, gpu_info, momentary_state
    from perfkit.record.code import code_in

    versions = {"python": system.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    gpu = gpu_info() if platform == "cuda" else None
    return {
        "kind": "about",
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "platform": platform,
        "machine": f"{cpu_name()} x{cpu_count()}" if gpu is None else f"{gpu['name']} x{gpu['count']}",
        "load_average_1min": momentary_state(Platform(platform))["load_average_1min"],
        "commit": code_in(ROOT)["commit"],
        "versions": versions,
        "cases": cases_of(platform),
        "slowed": {"case": SLOWED[platform], "share": SHARE},
        "rounds": processes,
        "tools": {
            tool.name: {"processes": tool.processes, "arms": list(tool.arms), "judges": tool.judges} for tool in tools
        },
        "absent": {tool.name: why for tool in TOOLS if (why := tool.absent(platform)) is not None},
    }


def main() -> None:
    """Measures, or only says how long that would take."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--platform", choices=sorted(SLOWED), required=True)
    parser.add_argument("--output", type=Path, required=True, help="a new file")
    parser.add_argument("--processes", type=int, default=7, help="at least so many of each arm (default: 7)")
    parser.add_argument("--limit", type=float, default=300.0, metavar="SECONDS", help="of a process (default: 300)")
    parser.add_argument("--only", action="append", metavar="TOOL", choices=[tool.name for tool in TOOLS])
    parser.add_argument("--estimate", action="store_true", help="say how long it takes, and measure nothing")
    asked = parser.parse_args()
    here = [tool for tool in TOOLS if tool.absent(asked.platform) is None and tool.name in (asked.only or [tool.name])]
    for tool in TOOLS:
        if (why := tool.absent(asked.platform)) is not None:
            tell(f"without {tool.name}: {why}")
    order = list(rounds(here, asked.processes))
    about_s = _PREPARING_S + sum(tool.about_s for _, _, tool in order)
    tell(f"{len(order)} processes of {len(here)} tools: about {about_s / 60:.0f} minutes on 2 idle cores")
    if asked.estimate:
        return
    if asked.output.exists():
        parser.error(f"{asked.output} is there already")
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        place = Place(asked.platform, BASELINE, Path(folder))
        add(asked.output, about(asked.platform, asked.processes, here))
        One(place, 0, asked.limit).run("-m", "benchmarks.side_by_side.workload")
        measure(here, place, asked.processes, asked.limit, asked.output.resolve())


if __name__ == "__main__":
    main()
