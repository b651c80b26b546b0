"""perfkit beside what a user would pick instead: every tool measures the same calls, in turn, in fresh processes.

    python -m benchmarks.side_by_side.measure --platform cpu --output results/cpu/DATE-side-by-side.jsonl

In each round every tool measures the baseline, then every tool the arm with nothing changed and every tool the arm with
one case really slowed, or these two the other way round; the tools take turns in who is first. So a drift of the
machine meets all of them alike. What a process measured, and what a tool says, is added to the file as it comes.
``docs/scripts/side_by_side.py`` makes the tables of docs/side-by-side.md from it. Nothing else should run meanwhile.
With several GPUs each takes rounds of its own, all tools of a round on one. Interrupted, as on a host whose time is
over, it judges what has been measured until then.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform as system
import queue
import signal
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.side_by_side.tool import One, Tool, kill_children, tell
from benchmarks.side_by_side.with_asv import Asv
from benchmarks.side_by_side.with_do_bench import DoBench
from benchmarks.side_by_side.with_optimum import Optimum
from benchmarks.side_by_side.with_perfkit import Perfkit
from benchmarks.side_by_side.with_pytest_benchmark import PytestBenchmark
from benchmarks.side_by_side.with_torch_timer import TorchTimer
from benchmarks.side_by_side.workload import BASELINE, ROOT, SHARE, SLOWED, SLOWED_ARM, UNCHANGED, Place, cases_of
from perfkit.errors import reason_of
from perfkit.measure.gpu import cuda_driver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Steps = Sequence[tuple[str, Tool]]

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


class Measurement:
    """What all cards measure together: each takes the next round whole, so that no tool has a card of its own."""

    def __init__(self, tools: Sequence[Tool], place: Place, limit_s: float, output: Path) -> None:
        self.tools, self.place, self.limit_s, self.output = tools, place, limit_s, output
        self._ended: dict[str, dict[str, list[int]]] = {tool.name: {arm: [] for arm in tool.arms} for tool in tools}
        self._interrupted = threading.Event()
        self._writing = threading.Lock()

    def measure(self, processes: int, cards: Sequence[str]) -> None:
        """Adds one line a process, one a verdict, and one a process that failed."""
        numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
        steps: dict[int, list[tuple[str, Tool]]] = {}
        for number, arm, tool in rounds(self.tools, processes):
            if number not in steps:
                numbers.put(number)
            steps.setdefault(number, []).append((arm, tool))
        self._left_s = sum(tool.about_s for each in steps.values() for _, tool in each)
        self._began_s = time.monotonic()
        with ThreadPoolExecutor(len(cards)) as pool:
            running: list[Future[None]] = []
            try:
                running += [pool.submit(self._rounds_on, card, numbers, steps) for card in cards]
                # Woken now and then: a signal that another thread was given doesn't end a wait.
                while (state := wait(running, timeout=0.5)).not_done:
                    for each in state.done:
                        each.result()
                for each in running:
                    each.result()
            except BaseException as error:
                self._interrupted.set()
                while wait(running, timeout=0.5).not_done:  # one that was about to start wouldn't be met by the first
                    kill_children()
                if not isinstance(error, KeyboardInterrupt):
                    raise
        self._interrupted.clear()
        self._judge_together()

    def _rounds_on(self, card: str, numbers: queue.SimpleQueue[int], steps: Mapping[int, Steps]) -> None:
        with suppress(queue.Empty):
            while not self._interrupted.is_set():
                number = numbers.get_nowait()
                for arm, tool in steps[number]:
                    if not self._interrupted.is_set():
                        self._step(One(replace(self.place, arm=arm, card=card), number, self.limit_s), tool)

    def _step(self, one: One, tool: Tool) -> None:
        row = {"tool": tool.name, "arm": one.place.arm, "number": one.number, "card": one.place.card}
        ended = self._ended[tool.name]
        outcome = "failed"
        with self._failing(row):
            took = tool.timed(one)
            ended[one.place.arm].append(one.number)
            self._add({"kind": "process", **row, "seconds": round(took.seconds, 2), "readings": took.readings})
            outcome = f"{took.seconds:.0f} s"
        if one.place.arm != BASELINE and all(one.number in ended[arm] for arm in (BASELINE, one.place.arm)):
            with self._failing({**row, "arm": f"judging {one.place.arm}"}):
                for said in tool.judged(one):
                    self._add({"kind": "verdict", **row, **said})
        with self._writing:
            self._left_s -= tool.about_s
            passed_s = time.monotonic() - self._began_s
            tell(
                f"{passed_s / 60:4.0f} min: round {one.number}, {one.place.arm}, {tool.name}: {outcome}; "
                f"about {self._left_s / 60:.0f} left, by one card"
            )

    @contextmanager
    def _failing(self, row: Mapping[str, Any]) -> Iterator[None]:
        """Whatever it is, it must not cost what the others measure."""
        try:
            yield
        except Exception as error:
            why = "interrupted, with all that would have followed" if self._interrupted.is_set() else reason_of(error)
            self._add({"kind": "failed", **row, "why": why})

    def _judge_together(self) -> None:
        for tool in self.tools:
            ended = {arm: sorted(numbers) for arm, numbers in self._ended[tool.name].items()}
            with self._failing({"tool": tool.name, "arm": "judging", "number": 0}):
                for arm, said in tool.judged_together(self.place, ended):
                    self._add({"kind": "verdict", "tool": tool.name, "arm": arm, **said})

    def _add(self, row: dict[str, Any]) -> None:
        with self._writing:
            add(self.output, row)


def add(output: Path, row: dict[str, Any]) -> None:
    """One line at the end of the file."""
    with output.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def cards_of(platform: str) -> list[str]:
    """The GPUs that this process is shown, as CUDA_VISIBLE_DEVICES names them; on a CPU the one that is none."""
    if platform == "cpu":
        return [""]
    driver = cuda_driver()
    count = 0 if driver is None else driver.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    return named.split(",")[:count]


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
    for number in (signal.SIGINT, signal.SIGTERM):  # a scheduler's way; and in the background a shell ignores the other
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        place = Place(asked.platform, BASELINE, Path(folder))
        add(asked.output, about(asked.platform, asked.processes, here))
        One(place, 0, asked.limit).run("-m", "benchmarks.side_by_side.workload")
        Measurement(here, place, asked.limit, asked.output.resolve()).measure(asked.processes, cards_of(asked.platform))


if __name__ == "__main__":
    main()
