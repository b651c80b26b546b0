"""Whole runs on a GPU: engines, the store, faults. Run on the GPU host: ``pytest -m gpu tests/gpu``."""

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

from perfkit.cli import main
from perfkit.store.engine_store import cache_folder
from perfkit.store.signature import KEY_VARIABLE
from tests.projects import BENCHMARK

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
[suites.more]
models = ["resnet18"]
shapes = [[1, 3, 112, 112], [1, 3, 224, 224]]
[suites.more.variants]
cuda = [
    "eager-fp32", "onnx-trt-fp16", "onnx-trt-int8", "eager-fp16-graph", "trt-fp16-graph", "onnx-trt-fp16-graph",
]
"""
ENGINE = ("trt-fp16", "1x3x224x224")


@dataclass
class Project:
    """A project of its own with the repository's timing caches, so that an engine takes seconds."""

    folder: Path
    runs: int = 0

    def run(self, *arguments: str, suite: str = "tiny") -> tuple[int, str, Any]:
        """One pytest process: exit code, output, and the run that it saved."""
        self.runs += 1
        storage = self.folder / f"run-{self.runs}"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider"),
                *(f"--perfkit-suite={suite}", "--perfkit-platform=cuda", "--benchmark-autosave"),
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
    assert 1 <= state["torch_threads"] <= 8
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
def test_signed_engines_go_into_another_store_and_run_there(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no signature is built anew, before TensorRT has seen a byte of it."""
    there = Project(tmp_path / "there")
    for name in ("test_bench.py", "perfkit.toml"):
        there.folder.mkdir(exist_ok=True)
        shutil.copy(project.folder / name, there.folder)
    shutil.copytree(project.folder / ".perfkit", tmp_path / "here")
    (tmp_path / "engines.key").write_text("0123456789abcdef" * 2)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "engines.key"))
    archive, here, other = str(tmp_path / "engines.tar"), str(tmp_path / "here"), str(there.folder / ".perfkit")
    for command in (
        ["sign", "--cache", here],
        ["export", archive, "--cache", here],
        ["import", archive, "--cache", other],
    ):
        assert main(["engines", *command]) == 0
    code, output, run = there.run("--perfkit-baseline=none")
    assert code == 0, output
    assert records(run)[ENGINE]["facts"]["from_store"] is True
    for signature in (there.folder / ".perfkit" / "engines").glob("*/signature.json"):
        signature.unlink()
    _, _, run = there.run("--perfkit-baseline=none")
    assert records(run)[ENGINE]["facts"]["from_store"] is False


@pytest.mark.usefixtures("first")
def test_the_engine_runs_on_its_callers_stream(project: Project, tmp_path: Path) -> None:
    """On a stream of its own the kernels would be seen on another than the marker's."""
    import torch_tensorrt  # noqa: F401 - defines the class of the engines

    from perfkit.record.facts import BuildFacts
    from perfkit.variants._torch_tensorrt import BuiltTensorrt, load_module

    path = min((project.folder / ".perfkit" / "engines").glob("*/module.pt"))
    built = BuiltTensorrt(load_module(path), BuildFacts(build_s=0))
    inputs = torch.rand(1, 3, 224, 224, device="cuda").half()
    with torch.cuda.stream(torch.cuda.Stream()), torch.inference_mode():
        built.call(inputs)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiler:
            torch.cuda._sleep(1000)
            built.call(inputs)
            torch.cuda.synchronize()
    profiler.export_chrome_trace(str(tmp_path / "trace.json"))
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    kernels = [event for event in events if event.get("cat") == "kernel"]
    assert len(kernels) > 10
    assert len({event["args"]["stream"] for event in kernels}) == 1


def test_tensorrts_own_builder_and_graphs_answer_and_are_measured(project: Project) -> None:
    code, output, run = project.run("--perfkit-baseline=none", suite="more")
    assert code == 0, output
    found = records(run)
    assert len(found) == 12
    for variant, precision in (("onnx-trt-fp16", "Half"), ("onnx-trt-int8", "Int8")):
        facts = found[variant, "1x3x224x224"]["facts"]
        assert facts["engines"] == 1
        assert any(precision in name for name in facts["layer_formats"]), facts["layer_formats"]
        assert facts["delivered_layers"] > facts["compute_layers"] / 2 > 5
    plain, graph = (found[variant, "1x3x224x224"]["facts"] for variant in ("onnx-trt-fp16", "onnx-trt-fp16-graph"))
    assert graph["engine_sha256"] == plain["engine_sha256"]
    assert graph["from_store"] is True
    state = run["perfkit"]["machine_state"]
    assert state["end_gpu_allocated_bytes"] == pytest.approx(state["start_gpu_allocated_bytes"], rel=0.01)


@pytest.mark.usefixtures("first")
def test_faults_of_what_is_built_are_put_into_their_own_cases_alone(project: Project) -> None:
    """A lost graph brings the host's launches back and leaves the device's time; an FP32 engine is BROKEN."""
    lost = "--perfkit-fault=resnet18/eager-fp16-graph/1x3x112x112=lost-graph"
    fp32 = "--perfkit-fault=resnet18/trt-fp16-graph/1x3x112x112=fp32-engine"
    code, output, run = project.run("--perfkit-baseline=none", lost, fp32, suite="more")
    assert code != 0, output
    found = records(run)
    broken = [outcome for outcome in run["perfkit"]["outcomes"] if outcome["status"] == "broken"]
    assert [(outcome["variant"], outcome["shape"]) for outcome in broken] == [("trt-fp16-graph", "1x3x112x112")]
    assert broken[0]["reason"].startswith("precision not delivered: 0 of ")
    assert len(found) == 11
    walls, devices = (
        {
            shape: statistics.median(found["eager-fp16-graph", shape]["rounds"][f"variant_{clock}_s"])
            for shape in ("1x3x112x112", "1x3x224x224")
        }
        for clock in ("wall", "device")
    )
    assert walls["1x3x224x224"] < 2 * devices["1x3x224x224"]
    assert walls["1x3x112x112"] > 2 * devices["1x3x112x112"]
    assert found["eager-fp16-graph", "1x3x112x112"]["rounds"]["device_by"] == "cold"
    state = run["perfkit"]["machine_state"]
    assert state["end_gpu_allocated_bytes"] == pytest.approx(state["start_gpu_allocated_bytes"], rel=0.01)


@pytest.mark.usefixtures("first")
def test_a_really_slowed_engine_is_named_alone(project: Project) -> None:
    slow = "--perfkit-fault=resnet18/trt-fp16/1x3x224x224=slow:10%"
    code, output, _ = project.run(f"--perfkit-baseline={project.first}", slow)
    assert code == 1, output
    regressed = [line.split()[0] for line in output.splitlines() if " REGRESSED " in line and line.count("/") >= 2]
    assert regressed == ["resnet18/trt-fp16/1x3x224x224"]
