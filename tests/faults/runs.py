"""Runs of ``perfkit run`` in projects of tests.faults.instant, in processes of their own that may be killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.instant import CONFTEST
from tests.projects import BENCHMARK, SMALL, Ended, environment, suite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Plugins of others that the projects don't need are not loaded: a process starts in half the time.
_PLUGINS = ("--perfkit-suite=tiny", "-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:cacheprovider")

PYTEST = (
    *(sys.executable, "-m", "pytest", ".", "-p", "no:cacheprovider"),
    *("--perfkit-suite=tiny", "--perfkit-baseline=none"),
)
"""One session of such a project, without ``perfkit run``."""


def instant_project(
    folder: Path,
    variants: Sequence[str] = ("variant-1", "variant-2"),
    *,
    models: Sequence[str] = ("one", "two"),
    shapes: Sequence[str] = (SMALL,),
    more: str = "",
) -> Path:
    """A project of so many models with so many variants beside the reference."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "perfkit.toml").write_text(suite(variants, models=models, shapes=shapes, more=more), encoding="utf-8")
    (folder / "test_bench.py").write_text(BENCHMARK, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return folder


def command(*options: str, replicates: int = 1) -> list[str]:
    """``perfkit run`` of the whole suite."""
    return [
        *(sys.executable, "-m", "perfkit", "run", f"--replicates={replicates}", "--baseline=none", *options),
        *("--", ".", *_PLUGINS),
    ]


def perfkit(*arguments: str) -> list[str]:
    """Any command of it."""
    return [sys.executable, "-m", "perfkit", *arguments]


def resuming(*run: str) -> list[str]:
    """``perfkit run --resume``."""
    return perfkit("run", "--resume", *run)


_HEARS_CTRL_C = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


def start(folder: Path, line: Sequence[str], **variables: str) -> subprocess.Popen[str]:
    """A run that goes on by itself, as if started on a terminal, even where the tests run in the background."""
    return subprocess.Popen(
        [sys.executable, "-c", _HEARS_CTRL_C, *line],
        cwd=folder,
        env={**environment(folder), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Ended:
    """How it ended."""
    out, err = process.communicate(timeout=600)
    return Ended(process.returncode, out, err)


def run(folder: Path, line: Sequence[str], **variables: str) -> Ended:
    """A run that is waited for."""
    return ended(start(folder, line, **variables))


def run_folder(folder: Path) -> Path:
    """Of the one run."""
    (found,) = (folder / "results" / "runs").iterdir()
    return found


def replicate(where: Path, name: str = "replicate-1.json") -> dict[str, Any]:
    """A replicate's file of a run's folder, or of the one run of a project."""
    folder = where if (where / name).exists() else run_folder(where)
    data: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return data


def outcomes(data: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and reason of every case."""
    found = data["perfkit"]["outcomes"]
    return {f"{each['model']}/{each['variant']}": (each["status"], each["reason"]) for each in found}


def processes_below(folder: Path) -> list[int]:
    """Every process that works in the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve(strict=True) == folder.resolve():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_for(is_so: Callable[[], object]) -> None:
    """Until a run has come so far."""
    for _ in range(6000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("the run doesn't come so far")


def wait_for_ended(folder: Path, count: int) -> None:
    """Until the journal of the first replicate has so many tests that ended."""

    def have_ended() -> bool:
        found = list(folder.glob("results/runs/*/replicate-1.journal"))
        return bool(found) and found[0].read_text("ascii").count('"kind":"ended"') >= count

    wait_for(have_ended)
