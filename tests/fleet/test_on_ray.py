"""``perfkit run --on``: real Ray, real processes, two nodes on this machine; models and clocks are made up.

A cluster takes seconds to start, so that few runs show much each.
"""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.journal_file import read_journal_lines
from perfkit.record.read import read_runs
from tests.faults.runs import (
    command,
    ended,
    instant_project,
    outcomes,
    processes_below,
    replicate,
    resuming,
    run,
    run_folder,
    start,
)
from tests.fleet.ray_cluster import A_LOCK_EACH, RAY, UNCOVERED, Cluster
from tests.projects import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra ray")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Of two nodes."""
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, 2) as found:
        yield found
    gone(folder)


def project(folder: Path, *models: str) -> Path:
    folder = instant_project(folder / "project", models=models)
    with (folder / "conftest.py").open("a") as file:
        file.write(A_LOCK_EACH)
    return folder


def comparable(data: dict[str, Any]) -> dict[str, Any]:
    """A replicate's file without what several processes have of their own: times, and who measured what."""
    for entry in data["benchmarks"]:
        entry["extra_info"]["perfkit"].pop("process")
    data.pop("datetime")
    for name in ("processes", "spent_s"):
        data["perfkit"].pop(name)
    state = data["perfkit"]["machine_state"]
    data["perfkit"]["machine_state"] = {name: told for name, told in state.items() if not name.startswith("process_")}
    return data


@needs_ray
def test_the_records_are_those_of_a_local_run(tmp_path: Path, cluster: Cluster) -> None:
    """Over both nodes, with a model that takes its process down."""
    models = ["one", "load-segfaults", "two"]
    alone, fleet = (project(tmp_path / name, *models) for name in ("alone", "fleet"))
    assert run(alone, command()).code == ExitCode.FAIL
    after = run(fleet, command(f"--on={cluster.place}"), INSTANT_CASE_S="0.3", **RAY)
    assert after.code == ExitCode.FAIL, after.err
    assert sorted(path.name for path in run_folder(fleet).iterdir()) == ["replicate-1.json", "run.journal"]
    assert comparable(replicate(fleet)) == comparable(replicate(alone))
    assert outcomes(replicate(fleet))["load-segfaults/variant-1"] == (
        "broken",
        "its process was killed by SIGSEGV while load-segfaults was loaded",
    )
    units = [line.split(": ")[3].split(",")[0] for line in after.err.splitlines() if "perfkit: replicate-1: " in line]
    assert len(units) == 3
    assert len(set(units)) == 2, "both nodes measured"
    *_, verdicts = (line for line in read_journal_lines(run_folder(fleet) / "run.journal") if line is not None)
    assert verdicts["exit_code"] == ExitCode.FAIL
    gone(fleet)


@needs_ray
def test_an_ended_run_is_gone_on_with_even_if_a_node_dies(tmp_path: Path, cluster: Cluster) -> None:
    """The last test of the cluster, which has one node less afterwards."""
    folder = project(tmp_path, "one", "two", "three", "four")
    with (folder / "conftest.py").open("a", encoding="utf-8") as file:
        # The environment of the run isn't its nodes': there a model would be over before the node is killed.
        file.write("import os\n\nos.environ['INSTANT_CASE_S'] = '1'\n")
    process = start(folder, command(f"--on={cluster.place}"), **UNCOVERED)
    wait_for_a_part(folder, process)
    process.send_signal(signal.SIGTERM)
    after = ended(process)
    assert after.code == 130, after.err
    where = run_folder(folder)
    told = f"perfkit: interrupted; perfkit run --resume {where.relative_to(folder)} goes on"
    assert after.err.splitlines()[-1] == told
    gone(folder)
    (before,) = read_runs(where)
    assert before.incomplete is not None
    kept = replicate(where)["benchmarks"]
    assert kept, "even where the signal came while a part came in"

    begun = measured(folder)
    process = start(folder, resuming(), **UNCOVERED)
    while len(measured(folder)[len(begun) :]) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    cluster.kill_node(1)
    after = ended(process)
    assert after.code == ExitCode.NOT_JUDGED, after.err
    assert sum(" is lost: " in line for line in after.err.splitlines()) == 1
    data = replicate(where)
    assert data["perfkit"]["incomplete"] is None
    assert [entry for entry in data["benchmarks"] if entry in kept] == kept, "to the byte"
    assert {status for status, _ in outcomes(data).values()} == {"measured"}
    assert len(data["benchmarks"]) == 12


@needs_ray
def test_ctrl_c_leaves_no_process_of_ray_behind(tmp_path: Path) -> None:
    """Of the Ray that the run started itself."""
    folder = project(tmp_path, "one", "two")
    process = start(folder, command("--on=ray"), INSTANT_CASE_S="0.5", **UNCOVERED)
    wait_for_a_part(folder, process)
    assert len(processes_below(folder)) > 3
    process.send_signal(signal.SIGINT)
    after = ended(process)
    assert after.code == 130, after.err
    gone(folder)
    (left,) = read_runs(run_folder(folder))
    assert left.incomplete is not None


def measured(folder: Path) -> list[str]:
    return [line for line in (folder / "log.txt").read_text().splitlines() if line.startswith("measured")]


def wait_for_a_part(folder: Path, process: subprocess.Popen[str]) -> None:
    """Until one model of the first replicate has come in, and others are being measured."""
    while not any(
        '"kind":"ended"' in path.read_text("ascii") for path in folder.glob("results/runs/*/replicate-1.journal")
    ):
        assert process.poll() is None
        time.sleep(0.05)


def gone(folder: Path) -> None:
    """Nothing works in the folder any more, at most a moment later."""
    until_s = time.monotonic() + 20
    while left := processes_below(folder):
        assert time.monotonic() < until_s, left
        time.sleep(0.05)


@pytest.mark.parametrize("place", ["here", "ray:", "ray://", "http://x"])
def test_another_place_is_refused(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", f"--results={tmp_path}", f"--on={place}"]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"perfkit: --on: {place!r} is neither ray, which is this machine, nor ray://HOST:PORT, a cluster"


def test_without_ray_a_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["run", f"--results={tmp_path}", "--on=ray"]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("perfkit: --on: needs Ray (")
    assert line.endswith("): pip install 'perfkit[ray]'")
    assert list(tmp_path.iterdir()) == []


def test_perfkit_starts_without_ray() -> None:
    script = (
        "import sys; import perfkit.cli.run, perfkit.fleet.run_on; print('ray' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
