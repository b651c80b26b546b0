"""Where perfkit's own time goes, as shares; tables of docs/speed.md.

    python docs/scripts/own_profile.py --measure          in a few minutes → results/cpu/…-own-profile.json
    python docs/scripts/own_profile.py --against SOURCES  these and SOURCES in turn, by a copy of an older src/ →
                                                          results/cpu/…-own-profile-change.json
    python docs/scripts/own_profile.py                    the two → docs/speed.md

Imports are what ``python -X importtime`` tells: each module's own time, added up by whose the module is. Among what a
module's import takes is what it makes, pydantic's models above all; that, and judging, is told by cProfile, which makes
calls dearer than what they call. The commands are those of own_speed.py; collecting is without all plugins but perfkit
and pytest-benchmark, for an environment of perfkit's tests has some that import more than perfkit does.
"""

from __future__ import annotations

import argparse
import cProfile
import datetime as dt
import json
import os
import pstats
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import own_speed
from blocks import with_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT, PAGE = own_speed.ROOT, own_speed.PAGE
DATA = ROOT / "results" / "cpu" / "2026-11-28-own-profile.json"
CHANGE = ROOT / "results" / "cpu" / "2026-11-28-own-profile-change.json"
RUNS, LAPS = 7, 25
SOFTWARE = ("perfkit", "pytest", "pytest-benchmark", "pydantic", "typer")
_STARTED = (
    "`perfkit --help`",
    "`perfkit compare --help`",
    "`perfkit compare`, 12 cases",
    "`perfkit report --format markdown`, 12 cases",
)
PLAIN, CASES = "collecting 1,000 plain tests", "collecting 1,000 cases"
COMMANDS = {
    **{name: own_speed.START[name] for name in _STARTED},
    PLAIN: own_speed.COLLECT["the same with perfkit installed"],
    CASES: own_speed.COLLECT["perfkit's cases"],
}
_PLUGINS = ("-p", "pytest_benchmark.plugin", "-p", "perfkit.plugin", "-s")
"""Nothing captured, or what is imported while pytest captures would be told to nobody."""
GROUPS = {
    "perfkit": ("perfkit",),
    "pydantic": ("pydantic", "pydantic_core", "annotated_types", "typing_inspection", "typing_extensions"),
    "Typer": ("typer", "click", "rich", "shellingham", "annotated_doc"),
    "pytest": ("pytest", "_pytest", "pluggy", "iniconfig", "pygments", "py", "pytest_benchmark"),
    "psutil": ("psutil",),
    "numpy, torch": ("numpy", "scipy", "torch", "torchvision"),
    "Python's own": (),
    "else": (),
}
_LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \| *(\S+)")
FUNCTIONS = {
    "pydantic's models": ("_model_construction.py", "__new__"),
    "data classes": ("dataclasses.py", "_process_class"),
    "regular expressions": ("re/__init__.py", "_compile"),
    "packages' entry points": ("importlib/metadata/__init__.py", "read_text", "_from_text_for"),
}
"""What classes and tables cost that are made while modules are imported, and looking for plugins."""
_SHOWN = 10
_JUDGED, _BEFORE, _AFTER = 1000, 20, 3


def group_of(module: str) -> str:
    """Whose a module is."""
    package = module.partition(".")[0]
    for group, packages in GROUPS.items():
        if package in packages:
            return group
    is_python = package in sys.stdlib_module_names or package.startswith("_sysconfigdata")
    return "Python's own" if is_python else "else"


def imported_us(told: str) -> dict[str, int]:
    """Microseconds of each group."""
    found = Counter[str]()
    for own_us, module in _LINE.findall(told):
        found[group_of(module)] += int(own_us)
    return {group: found[group] for group in GROUPS}


def started(name: str, options: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """What the command writes to standard error. Raises AssertionError where it didn't do what it should."""
    command = COMMANDS[name]
    plugins = _PLUGINS if "pytest" in command.arguments else ()
    done = subprocess.run(  # noqa: S603 - own_speed's commands
        [sys.executable, *options, *command.arguments, *plugins],
        cwd=folder / command.folder,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or command.says not in done.stdout:
        raise AssertionError(name, done.stdout, done.stderr)
    return done.stderr


def of_functions(profile: pstats.Stats) -> dict[str, float]:
    """Which share of the process was spent in each of FUNCTIONS, with what they call."""
    found = dict.fromkeys(FUNCTIONS, 0.0)
    for (file, _, function), (_, _, _, with_called_s, _) in profile.stats.items():  # type: ignore[attr-defined] # untyped
        for label, (end, *names) in FUNCTIONS.items():
            if file.endswith(end) and function in names:
                found[label] += with_called_s
    return {label: round(taken_s / profile.total_tt, 4) for label, taken_s in found.items()}  # type: ignore[attr-defined]


def of_files(profile: pstats.Stats) -> dict[str, float]:
    """Which share of all was spent in each file's functions; what is written in C counts for who calls it."""
    found: defaultdict[str, float] = defaultdict(float)
    for (file, _, _), (_, _, own_s, _, callers) in profile.stats.items():  # type: ignore[attr-defined] # untyped
        if file != "~":
            found[_told(file)] += own_s
        for (caller, _, _), (_, _, of_caller_s, _) in callers.items() if file == "~" else ():
            found[_told(caller)] += of_caller_s
    return {file: round(own_s / profile.total_tt, 4) for file, own_s in found.items()}  # type: ignore[attr-defined]


def _told(file: str) -> str:
    """No folder of this machine."""
    source = ROOT / "src" / "perfkit"
    path = Path(file)
    return path.relative_to(source).as_posix() if path.is_relative_to(source) else "Python's own and pydantic"


def judging() -> dict[str, float]:
    """Of this process, whose data are made up before."""
    from judge_cost import replicate

    from perfkit.catalog.case import Platform
    from perfkit.judge.compare import judge
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run
    from perfkit.record.schema import Hardware

    hardware = Hardware(platform=Platform.CUDA, name="made up", count=1, memory_gib=80)
    baseline = Baseline("made up", hardware, tuple(replicate(n, _JUDGED, "baseline") for n in range(_BEFORE)))
    current = [replicate(n, _JUDGED, "run") for n in range(_AFTER)]
    runs = [Run(source=one.run_id, hardware=hardware, replicate=one, outcomes=[]) for one in current]
    profile = cProfile.Profile()
    profile.runcall(judge, baseline, runs)
    return of_files(pstats.Stats(profile))


def measure() -> dict[str, Any]:
    """Every command in fresh processes, one after another, after a lap that compiles all modules."""
    imports: dict[str, list[dict[str, int]]] = {name: [] for name in COMMANDS}
    functions: dict[str, list[dict[str, float]]] = {name: [] for name in COMMANDS}
    with _prepared() as (folder, environment, circumstances):
        for lap in range(RUNS + 1):
            for name in COMMANDS:
                told = started(name, ["-X", "importtime"], folder, environment)
                started(name, ["-m", "cProfile", "-o", str(folder / "profile")], folder, environment)
                if lap:
                    imports[name].append(imported_us(told))
                    functions[name].append(of_functions(pstats.Stats(str(folder / "profile"))))
        child = [sys.executable, __file__, "--child"]
        judged = [json.loads(subprocess.run(child, capture_output=True, check=True).stdout) for _ in range(RUNS)]  # noqa: S603 - this script again
    return {**circumstances, "imported_us": imports, "functions": functions, "judging": judged}


def against(sources: Path) -> dict[str, Any]:
    """Each command with SOURCES and with these in turn: processor's and wall time, the older first."""
    taken_s: dict[str, list[list[list[float]]]] = {name: [] for name in COMMANDS}
    with _prepared() as (folder, environment, circumstances):
        trees = [{**environment, "PYTHONPATH": str(tree)} for tree in (sources, ROOT / "src")]
        for lap in range(LAPS + 1):
            for name in COMMANDS:
                turns = [(turn, _taken_s(name, folder, trees[turn])) for turn in ((0, 1) if lap % 2 else (1, 0))]
                if lap:
                    taken_s[name].append([found for _, found in sorted(turns)])
    return {**circumstances, "processor_and_wall_s": taken_s}


def _taken_s(name: str, folder: Path, environment: Mapping[str, str]) -> list[float]:
    before_s, started_s = own_speed.children_s(), time.perf_counter()
    started(name, [], folder, environment)
    return [round(own_speed.children_s() - before_s, 4), round(time.perf_counter() - started_s, 4)]


@contextmanager
def _prepared() -> Iterator[tuple[Path, dict[str, str], dict[str, Any]]]:
    """Folders and variables for the commands; when it ends, the dictionary tells the circumstances."""
    from perfkit.measure.machine import cpu_count, cpu_name

    circumstances: dict[str, Any] = {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpu": f"{cpu_name()} x{cpu_count()}",
        "software": {"python": ".".join(map(str, sys.version_info[:3])), **{each: version(each) for each in SOFTWARE}},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own_speed.prepare(folder)
        busy_s, own_s, started_s = own_speed.busy_s(), own_speed.own_s(), time.perf_counter()
        yield folder, {**own_speed.surroundings(folder), "PYTHONPATH": str(ROOT / "src")}, circumstances
        others_s = own_speed.busy_s() - busy_s - (own_speed.own_s() - own_s)
        took_s = time.perf_counter() - started_s
    circumstances["others_cpu_share"] = round(max(0.0, others_s) / took_s / (os.cpu_count() or 1), 4)


def _percent(shares: list[float]) -> str:
    middle = median(shares)
    return f"{middle:.0%}" if middle >= 0.005 or not middle else "< 1%"  # noqa: PLR2004 - what rounds to one


def shares_table(data: Mapping[str, Any]) -> list[str]:
    """Two tables: what is imported, and what is made meanwhile."""
    lines = [f"| imports of | {' | '.join(GROUPS)} |", "|---" * (len(GROUPS) + 1) + "|"]
    for name in COMMANDS:
        runs = [{group: us / sum(run.values()) for group, us in run.items()} for run in data["imported_us"][name]]
        lines.append(f"| {name} | {' | '.join(_percent([run[group] for run in runs]) for group in GROUPS)} |")
    lines += ["", f"| of the whole process | {' | '.join(FUNCTIONS)} |", "|---" * (len(FUNCTIONS) + 1) + "|"]
    for name in COMMANDS:
        cells = [_percent([run[label] for run in data["functions"][name]]) for label in FUNCTIONS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def judging_table(data: Mapping[str, Any]) -> list[str]:
    """The files in which most time is spent."""
    shares = {file: [run.get(file, 0.0) for run in data["judging"]] for file in data["judging"][0]}
    most = sorted(shares, key=lambda file: -median(shares[file]))
    lines = ["| judging 1,000 cases, 20 : 3 | share |", "|---|---|"]
    lines += [f"| {file} | {_percent(shares[file])} |" for file in most[:_SHOWN]]
    rest = [sum(run.get(file, 0.0) for file in most[_SHOWN:]) for run in data["judging"]]
    return [*lines, f"| {len(most) - _SHOWN} others | {_percent(rest)} |"]


def change_table(data: Mapping[str, Any]) -> list[str]:
    """Now against before, of one lap each."""
    lines = ["| now ÷ before | processor's time | middle half | wall time | middle half |", "|---|---|---|---|---|"]
    for name, laps in data["processor_and_wall_s"].items():
        cells = []
        for clock in (0, 1):
            ratios = sorted(now[clock] / before[clock] for before, now in laps)
            quarter = len(ratios) // 4
            cells += [f"{median(ratios):.2f}", f"{ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    plain, cases = (data["processor_and_wall_s"][name] for name in (PLAIN, CASES))
    earlier, now = (
        median(own[turn][0] / other[turn][0] for own, other in zip(cases, plain, strict=True)) for turn in (0, 1)
    )
    told = f"{CASES.capitalize()} takes {now:.2f} times the processor's time of {PLAIN}, {earlier:.2f} times before."
    return [*lines, "", told]


def _ending(count: int, data: Mapping[str, Any]) -> list[str]:
    software = ", ".join(f"{name} {found}" for name, found in data["software"].items())
    others = f"Other processes took {data['others_cpu_share']:.0%} of the processors meanwhile."
    return ["", f"{count} fresh processes each; {data['cpu']}, {software}, {data['datetime'][:10]}. {others}"]


def main() -> str:
    """The page with its tables made anew."""
    profile, change = (json.loads(path.read_text("utf-8")) for path in (DATA, CHANGE))
    blocks = {
        "own-profile": [*shares_table(profile), "", *judging_table(profile), *_ending(RUNS, profile)],
        "own-profile-change": [*change_table(change), *_ending(LAPS, change)],
    }
    return with_blocks(PAGE, blocks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--against", type=Path, metavar="SOURCES")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        sys.stdout.write(json.dumps(judging()))
    elif asked.measure:
        DATA.write_text(json.dumps(measure(), indent=1) + "\n", "utf-8")
    elif asked.against:
        CHANGE.write_text(json.dumps(against(asked.against.resolve()), indent=1) + "\n", "utf-8")
    else:
        PAGE.write_text(main(), "utf-8")
