"""How quick perfkit itself is, as ratios to what nothing of it would take; the tables of docs/speed.md.

    python docs/scripts/own_speed.py --measure   on an idle machine, in 3 to 5 minutes → results/cpu/…-own-speed.json
    python docs/scripts/own_speed.py             that → docs/speed.md

Each command is a fresh process. Every lap starts each of them once, so that what slows the machine for a while slows a
command and what it is held to, and a ratio is of two processes of one lap. The 1,000 cases are those of the demo, many
times over under other names.
"""

from __future__ import annotations

import argparse
import copy
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "speed.md"
DATA = ROOT / "results" / "cpu" / "2026-11-28-own-speed.json"
DEMO = ROOT / "results" / "cpu" / "2026-11-25-demo-repeats"
CASES, LAPS = 1000, 15
MODELS = tuple(f"model{number:02}" for number in range(50))
VARIANTS = ("eager-fp32", "inductor-fp32", "openvino-fp32", "openvino-int8")
SIZES = (112, 160, 224, 320, 448)
PASS, PLAIN, LOAD = "`python -c pass`", "plain tests", "`json.load`"
SOFTWARE = ("perfkit", "pytest", "pytest-benchmark", "pydantic", "typer", "altair", "vl-convert-python")
_CHARTS = "import altair, vl_convert; vl_convert.javascript_bundle('window.vegaEmbed = vegaEmbed;')"


@dataclass(frozen=True)
class Command:
    """What is timed: arguments of Python, and where."""

    arguments: tuple[str, ...]
    folder: str = "small"
    says: str = ""
    """What its output must hold, so that no failure passes for speed."""


def _perfkit(*arguments: str, **more: Any) -> Command:
    return Command(("-m", "perfkit", *arguments), **more)


def _collect(*arguments: str, folder: str) -> Command:
    options = ("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
    return Command((*options, *arguments), folder, f"{CASES} tests collected")


def _report(form: str, folder: str) -> Command:
    whole = ("report", "run.json", "--baseline", "baseline.json", "--format", form, "--output", "report.out")
    return _perfkit(*whole, folder=folder)


_JUDGED = ("compare", "baseline.json", "run.json")
START = {
    PASS: Command(("-c", "pass")),
    "`import typer, pydantic`": Command(("-c", "import typer.main, pydantic.main, pydantic.types")),
    "`perfkit --help`": _perfkit("--help", says="Exit codes:"),
    "`perfkit compare --help`": _perfkit("compare", "--help", says="Judge RUN"),
    "`perfkit report --help`": _perfkit("report", "--help", says="Show RUNS"),
    "`perfkit compare`, 12 cases": _perfkit(*_JUDGED, says="12 compared"),
    "`perfkit report --format markdown`, 12 cases": _report("markdown", "small"),
    "`perfkit report --format html`, 12 cases": _report("html", "small"),
    "Altair and Vega alone": Command(("-c", _CHARTS)),
}
COLLECT = {
    PLAIN: _collect("-p", "no:perfkit", folder="plain"),
    "the same with perfkit installed": _collect(folder="plain"),
    "perfkit's cases": _collect("--perfkit-platform", "cpu", folder="cases"),
}
LARGE = {
    LOAD: Command(("-c", "import json; [json.load(open(name)) for name in ('baseline.json', 'run.json')]"), "large"),
    "`perfkit compare`": _perfkit(*_JUDGED, folder="large", says=f"{CASES} compared"),
    "`perfkit report --format markdown`": _report("markdown", "large"),
    "`perfkit report --format html`": _report("html", "large"),
}
COMMANDS = {**START, **COLLECT, **LARGE}


def prepare(folder: Path) -> None:
    """The folders that the commands are run in."""
    from perfkit.catalog.case import format_shape

    for name in ("small", "large", "plain", "cases"):
        (folder / name).mkdir()
    baseline, run = (
        json.loads((DEMO / name).read_text("utf-8")) for name in ("baseline.json", "unchanged/replicate-1.json")
    )
    _write(folder / "small", baseline, run)
    for replicate in baseline["replicates"]:
        replicate["samples"] = _spread(replicate["samples"], _renamed)
    run["benchmarks"] = _spread(run["benchmarks"], _renamed_benchmark)
    run["perfkit"]["outcomes"] = _spread(run["perfkit"]["outcomes"], _renamed)
    _write(folder / "large", baseline, run)
    shapes = [(1, 3, size, size) for size in SIZES]
    ids = [f"{model}-{variant}-{format_shape(shape)}" for model in MODELS for variant in VARIANTS for shape in shapes]
    plain = f"import pytest\n@pytest.mark.parametrize('case', {ids})\ndef test_latency(case): pass\n"
    suite = f"models = {list(MODELS)}\nshapes = {[list(shape) for shape in shapes]}\nvariants.cpu = {list(VARIANTS)}\n"
    (folder / "plain" / "test_latency.py").write_text(plain, "utf-8")
    (folder / "cases" / "test_latency.py").write_text("def test_latency(perfkit_case): pass\n", "utf-8")
    (folder / "cases" / "perfkit.toml").write_text(f"[suites.quick]\n{suite}", "utf-8")
    for name in ("plain", "cases"):
        (folder / name / "pytest.ini").write_text("[pytest]\n", "utf-8")


def _write(folder: Path, baseline: dict[str, Any], run: dict[str, Any]) -> None:
    (folder / "baseline.json").write_text(json.dumps(baseline), "utf-8")
    (folder / "run.json").write_text(json.dumps(run), "utf-8")


def _spread(entries: Sequence[Any], renamed: Callable[[Any, int], Any]) -> list[Any]:
    """As many as there are to be, each time all of them under other names."""
    return [renamed(entries[number % len(entries)], number // len(entries)) for number in range(CASES)]


def _renamed(entry: dict[str, Any], number: int) -> dict[str, Any]:
    return {**entry, "model": f"{entry['model']}_{number:02}"}


def _renamed_benchmark(entry: dict[str, Any], number: int) -> dict[str, Any]:
    found = copy.deepcopy(entry)
    record = found["extra_info"]["perfkit"] = _renamed(found["extra_info"]["perfkit"], number)
    found["extra_info"]["model"] = found["params"]["perfkit_model"] = record["model"]
    for key in ("name", "fullname", "param", "group"):
        found[key] = found[key].replace(entry["extra_info"]["model"], record["model"])
    return found


def timed(command: Command, folder: Path, environment: dict[str, str]) -> float:
    """Seconds from its start to its end. Raises AssertionError where it didn't do what it should."""
    started_s = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - as above
        [sys.executable, *command.arguments],
        cwd=folder / command.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    taken_s = time.perf_counter() - started_s
    if done.returncode != 0 or command.says not in done.stdout:
        raise AssertionError(command, done.stdout, done.stderr)
    return taken_s


def measure() -> dict[str, Any]:
    """All laps, after one that counts for nothing: it compiles every module, as installing a package does."""
    from perfkit.measure.machine import cpu_count, cpu_name

    wall_s: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        environment = surroundings(folder)
        for command in COMMANDS.values():
            timed(command, folder, environment)
        busy_before_s, own_before_s, started_s = busy_s(), own_s(), time.perf_counter()
        for _ in range(LAPS):
            for label, command in COMMANDS.items():
                wall_s[label].append(round(timed(command, folder, environment), 4))
        others_s = busy_s() - busy_before_s - (own_s() - own_before_s)
        sizes = {name: (folder / "large" / name).stat().st_size for name in ("baseline.json", "run.json")}
    return {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpu": f"{cpu_name()} x{cpu_count()}",
        "software": {"python": ".".join(map(str, sys.version_info[:3])), **{each: version(each) for each in SOFTWARE}},
        "others_cpu_share": round(max(0.0, others_s) / (time.perf_counter() - started_s) / cpu_count(), 4),
        "large_bytes": sizes,
        "wall_s": wall_s,
    }


def surroundings(folder: Path) -> dict[str, str]:
    """The variables that commands are started with: none of the user's that mean something to them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "PERFKIT"))}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "compiled"), "PERFKIT_HISTORY": "none"}


def busy_s() -> float:
    """Of all processors, by whatever process."""
    import psutil

    times = psutil.cpu_times()
    return float(times.user + times.system + times.nice)


def own_s() -> float:
    """Of all processors, by this process and those that it started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime + children_s()


def children_s() -> float:
    """The same by those alone."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(commands: dict[str, Command], wall_s: dict[str, list[float]]) -> list[str]:
    """A row a command; what the others are held to is the first."""
    (first, _), *_ = commands.items()
    lines = [f"| | times as long as {first} | smallest to largest | seconds |", "|---|---|---|---|"]
    for name in commands:
        ratios = [own / other for own, other in zip(wall_s[name], wall_s[first], strict=True)]
        told = f"{median(ratios):.2f} | {min(ratios):.2f} to {max(ratios):.2f}" if name != first else "1 | "
        lines.append(f"| {name} | {told} | {median(wall_s[name]):.3f} |")
    return lines


def main() -> str:
    """The page with its tables made anew."""
    data = json.loads(DATA.read_text("utf-8"))
    software = ", ".join(f"{name} {found}" for name, found in data["software"].items())
    megabytes = " and ".join(f"{size / 1e6:.1f}" for size in data["large_bytes"].values())
    ending = (
        f"{len(data['wall_s'][PASS])} fresh processes each, medians; {data['cpu']}, {software}, "
        f"{data['datetime'][:10]}. Other processes took {data['others_cpu_share']:.1%} of the processors meanwhile. "
        f"The files of the 1,000 cases have {megabytes} MB."
    )
    blocks = {
        "own-start": table(START, data["wall_s"]),
        "own-collect": table(COLLECT, data["wall_s"]),
        "own-large": table(LARGE, data["wall_s"]),
        "own-machine": [ending],
    }
    return with_blocks(PAGE, blocks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        DATA.write_text(json.dumps(measure(), indent=1) + "\n", "utf-8")
    PAGE.write_text(main(), "utf-8")
