"""What only a GPU can show. Run on the GPU host: ``pytest -m gpu tests/gpu``."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.store.engine_store import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gpu

torch = pytest.importorskip("torch")

SUITE = """
[suites.tiny]
models = ["resnet18"]
shapes = [[1, 3, 112, 112], [1, 3, 224, 224]]
[suites.tiny.variants]
cuda = ["eager-fp32", "eager-fp16", "trt-fp16", "trt-int8"]
"""
BENCHMARK = "def test_latency(perfkit_case, benchmark):\n    perfkit_case.measure(benchmark)\n"
ENGINE = ("trt-fp16", "1x3x224x224")


@dataclass
class Project:
    """A project of its own with the repository's timing caches, so that an engine takes seconds."""

    folder: Path
    runs: int = 0

    def run(self, *arguments: str) -> tuple[int, str, Any]:
        """One pytest process: exit code, output, and the run that it saved."""
        self.runs += 1
        storage = self.folder / f"run-{self.runs}"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"),
                *("--perfkit-suite=tiny", "--perfkit-platform=cuda", "--benchmark-autosave"),
                *(f"--benchmark-storage=file://{storage}", *arguments),
            ],
            cwd=self.folder,
            # No name is folded, and the store is the project's own.
            env={**os.environ, "COLUMNS": "200", "PERFKIT_CACHE": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        (path,) = storage.glob("*/*.json")
        return done.returncode, output, json.loads(path.read_text())

    @property
    def first(self) -> str:
        (path,) = (self.folder / "run-1").glob("*/*.json")
        return str(path)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Project:
    folder = tmp_path_factory.mktemp("project")
    (folder / "test_bench.py").write_text(BENCHMARK)
    (folder / "perfkit.toml").write_text(SUITE)
    caches = cache_folder(pytestconfig.rootpath) / "timing"
    if caches.is_dir():
        shutil.copytree(caches, folder / ".perfkit" / "timing")
    return Project(folder)


@pytest.fixture(scope="module")
def first(project: Project) -> tuple[int, str, Any]:
    return project.run("--perfkit-baseline=none")


def records(run: Any) -> dict[tuple[str, str], Any]:
    extras = [benchmark["extra_info"] for benchmark in run["benchmarks"]]
    return {(extra["variant"], extra["shape"]): extra["perfkit"] for extra in extras}


def test_device_time_excludes_launch_gaps() -> None:
    """A host that dawdles between launches lengthens wall time, not device time."""
    import time

    from perfkit.measure.clock import CudaClock

    clock = CudaClock(torch.device("cuda", 0))
    values = torch.rand(2048, 2048, device="cuda")

    def work(pause_s: float) -> None:
        for _ in range(10):
            torch.mm(values, values)
            time.sleep(pause_s)

    with clock.timed_region():
        work(0)
        brisk = statistics.median(clock.device_s(lambda: work(0)) for _ in range(9))
        dawdling = statistics.median(clock.device_s(lambda: work(1e-3)) for _ in range(9))
        assert clock.wall_s(lambda: work(1e-3)) > 1.5 * clock.wall_s(lambda: work(0))
    assert dawdling == pytest.approx(brisk, rel=0.1)


def test_device_time_of_a_synchronizing_call_is_refused() -> None:
    from perfkit.measure.clock import CudaClock, NotQueued

    clock = CudaClock(torch.device("cuda", 0))
    value = torch.rand(1, device="cuda")
    with clock.timed_region(), pytest.raises(NotQueued, match="synchronizes by itself"):
        clock.device_s(value.item)


def test_engines_are_built_recorded_and_freed(first: tuple[int, str, Any]) -> None:
    code, output, run = first
    assert code == 0, output
    assert len(records(run)) == 8
    facts = records(run)[ENGINE]["facts"]
    assert facts["engines"] >= 1
    assert facts["fallback_ops"] == 0
    assert facts["engine_bytes"] > 1_000_000
    assert any("Half" in name or "FP16" in name.upper() for name in facts["layer_formats"])
    assert facts["timing_cache_bytes"] is not None
    assert facts["from_store"] is False
    for record in records(run).values():
        assert len(record["rounds"]["variant_device_s"]) == len(record["rounds"]["variant_wall_s"])
    state = run["perfkit"]["machine_state"]
    assert state["end_gpu_allocated_bytes"] == pytest.approx(state["start_gpu_allocated_bytes"], rel=0.01)


def test_the_next_run_loads_the_same_engine_and_passes(project: Project, first: tuple[int, str, Any]) -> None:
    code, output, run = project.run(f"--perfkit-baseline={project.first}")
    assert code == 0, output
    for variant in ("trt-fp16", "trt-int8"):
        built, loaded = (records(one)[variant, "1x3x224x224"] for one in (first[2], run))
        assert loaded["facts"]["from_store"] is True
        assert loaded["facts"]["notes"] == built["facts"]["notes"]
        assert loaded["facts"]["engine_sha256"] == built["facts"]["engine_sha256"]


@pytest.mark.usefixtures("first")
def test_a_really_slowed_engine_is_named_alone(project: Project) -> None:
    slow = "--perfkit-slow=resnet18/trt-fp16/1x3x224x224=10%"
    code, output, _ = project.run(f"--perfkit-baseline={project.first}", slow)
    assert code == 1, output
    regressed = [line.split()[0] for line in output.splitlines() if " REGRESSED " in line and line.count("/") >= 2]
    assert regressed == ["resnet18/trt-fp16/1x3x224x224"]
