"""What only a GPU can show. Run on the GPU host: ``pytest -m gpu tests/gpu``."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.store.engine_store import cache_folder
from perfkit.store.signature import KEY_VARIABLE

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest

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
BENCHMARK = "def test_latency(perfkit_case, benchmark):\n    perfkit_case.measure(benchmark)\n"
ROOT = Path(__file__).resolve().parents[2]
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


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("inductor-fp16", None), ("channels-last-fp16", None), ("trt-fp8", "fp8"), ("onnx-trt-fp8", "fp8"),
        ("trt-ts-fp16", None), ("torch2trt-fp16", None),
    ],
)  # fmt: skip
def test_every_other_variant_builds_and_agrees(name: str, precision: str | None) -> None:
    """resnet18 at one shape; an engine goes through a file, as it does on its way to the store."""
    from perfkit.catalog.case import Platform
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.catalog.profile import ShapeProfile
    from perfkit.measure.agreement import check_answers
    from perfkit.variants.build import build_variant
    from perfkit.variants.registry import load_variant, why_unavailable
    from tests.variants.requests import evaluation_batches, request_for

    variant = load_variant(name)
    if reason := why_unavailable(variant, Platform.CUDA):
        pytest.skip(reason)
    shape, device = (1, 3, 224, 224), torch.device("cuda", 0)
    profile = ShapeProfile(min=shape, opt=shape, max=shape)
    model = load_model("resnet18", calibration_images(), shape, device)
    request = request_for(model.module, profile, model.preprocessing, cache_folder(ROOT), device)
    built = build_variant(variant, request).built
    pictures = [batch.to(device) for batch in evaluation_batches(shape, model.preprocessing, 8)]
    with torch.cuda.stream(torch.cuda.Stream()), torch.inference_mode():
        check_answers(
            lambda images: (model.module(images),),
            lambda images: built.unpack(built.call(built.prepare(images))),
            pictures,
            cosine_bound=variant.cosine_bound,
            classifies=True,
        )
    if "trt" in name:
        assert built.facts.engines == 1
        assert (built.facts.engine_bytes or 0) > 1_000_000
    if precision is not None:
        assert any(precision in name.lower() for name in built.facts.layer_formats or {}), built.facts.layer_formats


def test_what_pytorch_still_runs_is_counted_and_timed() -> None:
    """Torch-TensorRT has no converter for the Bessel function: PyTorch runs it between two engines."""
    from torch import nn

    from perfkit.catalog.profile import ShapeProfile
    from perfkit.variants.building import build_here
    from perfkit.variants.registry import load_variant
    from tests.variants.requests import PLAIN, request_for

    class Bessel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before, self.after = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3)

        def forward(self, images: Any) -> Any:
            return self.after(torch.special.i0(self.before(images).sigmoid())).relu()

    shape, device = (1, 3, 64, 64), torch.device("cuda", 0)
    profile = ShapeProfile(min=shape, opt=shape, max=shape)
    model = Bessel().eval().to(device)
    request = request_for(model, profile, PLAIN, cache_folder(ROOT), device)
    facts = build_here(load_variant("trt-fp16"), request).built.facts
    assert facts.engines == 2
    assert facts.fallback_ops == 1
    assert facts.fallback_device_share is not None
    assert 0 < facts.fallback_device_share < 0.9


@pytest.mark.parametrize("flags", [(), ("FP16",)])
def test_an_fp16_engine_of_float32_layers_is_broken(flags: tuple[str, ...], tmp_path: Path) -> None:
    """mobilenet_v2, weakly typed, 112 to 448.

    Without a flag every layer is float32. With it TensorRT 10.6 is free to choose, and says nothing: on an H100 it
    once built every layer in float32 as well, on an H200 not.
    """
    from perfkit.catalog.config import load_config
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.variants._onnx import export_onnx
    from perfkit.variants._onnx_trt import build_engine, has_weak_typing
    from perfkit.variants.building import build_here
    from perfkit.variants.onnx_trt_fp16 import OnnxTrtFp16
    from perfkit.variants.precision import PrecisionNotDelivered, count_layers, prove_precision
    from tests.variants.requests import request_for

    if not has_weak_typing():
        pytest.skip("this TensorRT knows strongly typed networks only")

    class Weak(OnnxTrtFp16):
        def build(self, request: BuildRequest) -> Any:
            onnx = export_onnx(request.model, request.profile, request.example)
            return build_engine(onnx, request, time.perf_counter(), flags=list(flags))

    device = torch.device("cuda", 0)
    profile = load_config(tmp_path).profile("size")
    model = load_model("mobilenet_v2", calibration_images(), profile.opt, device)
    request = request_for(model.module, profile, model.preprocessing, cache_folder(ROOT), device)
    built = build_here(Weak(), request).built
    count_layers(Weak(), built, request.precision)
    if not flags:
        assert built.facts.delivered_layers == 0
    if built.facts.delivered_layers:
        prove_precision(Weak(), built, request.precision)
        return
    refused = r"^precision not delivered: 0 of \d+ compute layers are half or fp16"
    with pytest.raises(PrecisionNotDelivered, match=refused):
        prove_precision(Weak(), built, request.precision)


@pytest.mark.parametrize(
    "name", ["trt-fp16", "trt-int8", "trt-fp8", "onnx-trt-fp16", "onnx-trt-int8", "onnx-trt-fp8", "onnx-trt-fp16-graph"]
)
def test_an_engine_that_is_really_built_in_float32_is_broken(name: str, tmp_path: Path) -> None:
    """As perfkit drill puts it in; the store never sees it."""
    from perfkit.catalog.case import Platform
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.catalog.profile import ShapeProfile
    from perfkit.store.engine_store import EngineStore
    from perfkit.variants.build import build_variant
    from perfkit.variants.float32 import in_float32
    from perfkit.variants.precision import PrecisionNotDelivered
    from perfkit.variants.registry import load_variant, why_unavailable
    from tests.variants.requests import request_for

    variant = load_variant(name)
    if reason := why_unavailable(variant, Platform.CUDA):
        pytest.skip(reason)
    shape, device = (1, 3, 112, 112), torch.device("cuda", 0)
    profile = ShapeProfile(min=shape, opt=shape, max=shape)
    model = load_model("resnet18", calibration_images(), shape, device)
    request = request_for(model.module, profile, model.preprocessing, cache_folder(ROOT), device)
    fault = in_float32(variant)
    assert fault is not None
    store = EngineStore(tmp_path / "cache", 2**30)
    wanted = " or ".join(variant.precision_formats)
    refused = rf"^precision not delivered: 0 of \d+ compute layers are {wanted} "
    with pytest.raises(PrecisionNotDelivered, match=refused):
        build_variant(fault, request, store, rebuild=True)
    assert not list((tmp_path / "cache").rglob("manifest*"))


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
    assert found["eager-fp16-graph", "1x3x112x112"]["rounds"]["device_by"] == "replayed"
    state = run["perfkit"]["machine_state"]
    assert state["end_gpu_allocated_bytes"] == pytest.approx(state["start_gpu_allocated_bytes"], rel=0.01)


@pytest.mark.usefixtures("first")
def test_a_really_slowed_engine_is_named_alone(project: Project) -> None:
    slow = "--perfkit-fault=resnet18/trt-fp16/1x3x224x224=slow:10%"
    code, output, _ = project.run(f"--perfkit-baseline={project.first}", slow)
    assert code == 1, output
    regressed = [line.split()[0] for line in output.splitlines() if " REGRESSED " in line and line.count("/") >= 2]
    assert regressed == ["resnet18/trt-fp16/1x3x224x224"]
