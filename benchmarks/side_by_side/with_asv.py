"""asv: ``asv run`` with its defaults (two rounds, each a process a case), then ``asv compare``.

It gets a small repository with one commit an arm. Environment ``existing``: the others run in the same one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.side_by_side.tool import FASTER, SAME, SLOWER, One, Reading, Said, Tool, reading
from benchmarks.side_by_side.workload import ARMS, BASELINE, cases_of, python_path

_SUITE = Path(__file__).with_name("asv_suite") / "latency.py"
_CONFIGURATION = {
    "version": 1,
    "project": "side-by-side",
    "repo": ".",
    "branches": ["main"],
    "environment_type": "existing",
    "benchmark_dir": "asv_suite",
}
_MACHINE = "here"
_FACTORS = ("1.1", "1.05")
"""The default, and what somebody sets who wants to see 5%."""
_MARKS = {"+": SLOWER, "-": FASTER}


class Asv(Tool):
    name = "asv"
    module = "asv"
    processes = 2
    about_s = 41.0

    def measure(self, one: One) -> list[Reading]:
        folder = one.folder(Asv.name)
        commit = _commit(folder, one)
        # --machine keeps the name of this machine out of it.
        _asv(one, "run", f"--set-commit-hash={commit}", "--record-samples", f"--machine={_MACHINE}", "--show-stderr")
        samples = _samples(folder, commit)
        rounds = []
        for number in range(self.processes):
            share = {case: _part(values, number, self.processes) for case, values in samples.items()}
            times_s = {case: median(share[case]) for case in cases_of(one.place.platform)}
            rounds.append(reading(one.place.platform, times_s))
        return rounds

    def judged(self, one: One) -> list[Said]:
        commits = _commits(one.folder(Asv.name))
        before, after = (commits[f"{arm}-{one.number}"] for arm in (BASELINE, one.place.arm))
        said: list[Said] = []
        for factor in _FACTORS:
            printed = _asv(one, "compare", f"--factor={factor}", f"--machine={_MACHINE}", before, after)
            marks = compared(printed, cases_of(one.place.platform))
            default = " (its default)" if factor == _FACTORS[0] else ""
            said.append({"rule": f"compare --factor {factor}{default}", "replicates": "2 : 2", "cases": marks})
        return said


def compared(printed: str, cases: list[str]) -> dict[str, str]:
    """The marks of ``asv compare``'s table. Raises ValueError for a case that it doesn't have."""
    marks = {}
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        for case in cases:
            if case in cells[-1]:
                marks[case] = _MARKS.get(cells[0], SAME)
    if len(marks) != len(cases):
        raise ValueError(f"asv compare shows {len(marks)} of {len(cases)} cases")
    return marks


def _part(values: list[float], number: int, parts: int) -> list[float]:
    """One round's samples: asv appends those of the next round, and takes as many in each."""
    size = len(values) // parts
    return values[number * size : (number + 1) * size]


def _samples(folder: Path, commit: str) -> dict[str, list[float]]:
    (path,) = (folder / "results" / _MACHINE).glob(f"{commit[:8]}-*.json")
    data = json.loads(path.read_text())
    ((_, row),) = data["results"].items()
    found: dict[str, Any] = dict(zip(data["result_columns"], row, strict=False))
    (names,) = found["params"]
    return {name.strip("'"): values for name, values in zip(names, found["samples"], strict=True)}


def _commit(folder: Path, one: One) -> str:
    """A commit of this invocation's own; the repository is made by the first."""
    if not (folder / ".git").exists():
        (folder / "asv_suite").mkdir()
        (folder / "asv_suite" / "__init__.py").write_text("")
        (folder / "asv_suite" / "latency.py").write_text(_SUITE.read_text("utf-8"))
        (folder / "asv.conf.json").write_text(json.dumps(_CONFIGURATION))
        _git(folder, "init", "-q", "-b", "main")
        _git(folder, "add", "asv_suite", "asv.conf.json")
        _asv(one, "machine", "--yes", f"--machine={_MACHINE}")
    _git(folder, "commit", "-q", "--allow-empty", "-m", one.name)
    return _commits(folder)[one.name]


def _commits(folder: Path) -> dict[str, str]:
    """Invocation → hash."""
    lines = _git(folder, "log", "--format=%s %H").splitlines()
    return {line.split()[0]: line.split()[1] for line in lines if line.partition("-")[0] in ARMS}


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=side by side", "-c", "user.email=nobody@perfkit.invalid")
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def _asv(one: One, *arguments: str) -> str:
    """With a home of its own, for asv writes there; the weights stay where they are."""
    folder = one.folder(Asv.name)
    weights = os.environ.get("TORCH_HOME", str(Path.home() / ".cache" / "torch"))
    environment = {"HOME": str(folder), "TORCH_HOME": weights, "ASV_PYTHONPATH": python_path()}  # it drops PYTHONPATH
    python = [f"--python={sys.executable}"] if arguments[0] == "run" else []
    return one.run("-m", "asv", *arguments, *python, folder=folder, environment=environment)
