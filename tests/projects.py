"""Projects for tests: a folder with suites, a benchmark and made-up variants, and inner pytest runs in it."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import fakes, undisturbed
from tests.support import program_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPOSITORY = Path(__file__).parents[1]
BENCHMARK = "def test_latency(perfkit_case, benchmark):\n    perfkit_case.measure(benchmark)\n"
SMALL, LARGE = "1x3x64x64", "1x3x96x96"
MODEL = "squeezenet1_1"
"""The quickest to load, build and call; its INT8 answers are close at small sizes too."""

FAKES = [
    kind
    for kind in vars(fakes).values()
    if isinstance(kind, type) and issubclass(kind, fakes.Twin) and kind.__module__ == fakes.__name__
]


def suite(
    variants: Sequence[str],
    *,
    name: str = "tiny",
    models: Sequence[str] = (MODEL,),
    shapes: Sequence[str] = (SMALL, LARGE),
    rounds: int = 6,
    more: str = "",
) -> str:
    """A perfkit.toml with one suite that takes seconds; models have the profile of `SMALL` to `LARGE`."""
    sizes = [[int(size) for size in shape.split("x")] for shape in shapes]
    return f"""
[profiles.tiny]
min = [1, 3, 64, 64]
opt = [1, 3, 64, 64]
max = [1, 3, 96, 96]
[models."*"]
profile = "tiny"
[suites.{name}]
models = {json.dumps(list(models))}
shapes = {json.dumps(sizes)}
[suites.{name}.variants]
cpu = {json.dumps(["eager-fp32", *variants])}
[measure]
min_rounds = {rounds}
max_rounds = {rounds}
time_budget_s = 0.01
warmup_max_s = 0.2
{more}
"""


def write_project(folder: Path, config: str) -> Path:
    """A project in `folder`: configuration, a benchmark, warnings as errors, and the made-up variants registered."""
    (folder / "perfkit.toml").write_text(config, encoding="utf-8")
    (folder / "test_bench.py").write_text(BENCHMARK, encoding="utf-8")
    own = configparser.ConfigParser(interpolation=None, allow_no_value=True, delimiters=("=",), comment_prefixes=("#",))
    own.read(REPOSITORY / "pytest.ini", encoding="utf-8")
    filters = own["pytest"]["filterwarnings"].strip().replace("\n", "\n    ")
    options = "--strict-markers --strict-config --benchmark-storage=file://./results"
    ini = f"[pytest]\naddopts = {options}\nfilterwarnings =\n    {filters}\n"
    (folder / "pytest.ini").write_text(ini, encoding="utf-8")
    register(folder, {kind.name: f"{kind.__module__}:{kind.__name__}" for kind in FAKES})
    with (folder / "made_up-1.0.dist-info" / "entry_points.txt").open("a", encoding="utf-8") as points:
        points.write(f"[pytest11]\nundisturbed = {undisturbed.__name__}\n")
    return folder


def register(folder: Path, variants: Mapping[str, str], *, name: str = "made-up") -> None:
    """Installs a distribution into `folder` whose entry points are these variants."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = "".join(f"{name} = {value}\n" for name, value in variants.items())
    (info / "entry_points.txt").write_text(f"[perfkit.variants]\n{lines}", encoding="utf-8")


def environment(folder: Path) -> dict[str, str]:
    """For a process in the project: it finds perfkit, these helpers and the project's distribution.

    One thread, because tests share the machine; no network is asked for weights; a history only where a test is about
    it.
    """
    own = program_environment()
    (folder / "tmp").mkdir(exist_ok=True)  # locks of devices are there: projects don't wait for one another
    path = os.pathsep.join([own["PYTHONPATH"], str(REPOSITORY), str(folder)])
    quiet = {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "TORCH_HOME": str(folder / "torch"), "PERFKIT_HISTORY": "none"}
    return {**own, **quiet, "PYTHONPATH": path, "TMPDIR": str(folder / "tmp"), fakes.LOG: str(folder / "log.txt")}


@dataclass(frozen=True)
class Ended:
    """How an inner pytest run ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def counts(self) -> dict[str, int]:
        """How many tests passed, failed and so on, from the last line."""
        found: dict[str, int] = pytest.RunResult.parse_summary_nouns(self.lines)
        return found

    def verdicts(self, word: str) -> list[str]:
        """The cases that the final table gives a verdict."""
        table = self.out.partition("= perfkit =")[2].splitlines()
        return [line.split()[0] for line in table if f" {word} " in f"{line} " and line.split()[0].count("/") == 2]


def run_pytest(folder: Path, *arguments: str, launcher: Sequence[str] = (), **variables: str) -> Ended:
    """Runs pytest in the project, in a process of its own."""
    command = [*launcher, sys.executable, "-m", "pytest", "--perfkit-suite=tiny", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environment(folder), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def saved_files(folder: Path) -> list[Path]:
    """The autosaved runs, oldest first."""
    return sorted((folder / "results").glob("*/[0-9]*.json"))


def saved_run(folder: Path) -> dict[str, Any]:
    """The newest autosaved run."""
    run: dict[str, Any] = json.loads(saved_files(folder)[-1].read_text(encoding="utf-8"))
    return run


def logged(folder: Path) -> list[str]:
    """What the made-up variants have said."""
    return (folder / "log.txt").read_text(encoding="utf-8").splitlines()
