"""What only a GPU can show. Run on the GPU host: ``pytest -m gpu tests/gpu``."""

from __future__ import annotations

import json
import shutil
import statistics
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gpu

torch = pytest.importorskip("torch")

SUITE = """
[suites.tiny]
models = ["resnet18"]
shapes = [[1, 3, 112, 112], [1, 3, 224, 224]]
[suites.tiny.variants]
cuda = ["eager-fp32", "eager-fp16", "trt-fp16"]
"""
BENCHMARK = "def test_latency(perfkit_case, benchmark):\n    perfkit_case.measure(benchmark)\n"


@pytest.fixture
def project(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> pytest.Pytester:
    """A project of its own with the repository's timing caches, so that an engine takes seconds."""
    pytester.makepyfile(test_bench=BENCHMARK)
    (pytester.path / "perfkit.toml").write_text(SUITE)
    caches = request.config.rootpath / ".perfkit"
    if caches.is_dir():
        shutil.copytree(caches, pytester.path / ".perfkit")
    return pytester


def saved_run(folder: Path) -> Any:
    (path,) = folder.glob("results/*/*.json")
    return json.loads(path.read_text())


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


def test_engines_are_built_recorded_and_freed(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(
        "--benchmark-autosave",
        "--benchmark-storage=file://./results",
        "--perfkit-suite=tiny",
        "--perfkit-platform=cuda",
        "--perfkit-baseline=none",
        "-W",
        "error",
    )
    result.assert_outcomes(passed=6)
    run = saved_run(project.path)
    records = {
        (b["extra_info"]["variant"], b["extra_info"]["shape"]): b["extra_info"]["perfkit"] for b in run["benchmarks"]
    }
    engine = records["trt-fp16", "1x3x224x224"]
    assert engine["facts"]["engines"] >= 1
    assert engine["facts"]["fallback_ops"] == 0
    assert engine["facts"]["engine_bytes"] > 1_000_000
    assert any("Half" in name or "FP16" in name.upper() for name in engine["facts"]["layer_formats"])
    assert engine["facts"]["timing_cache_bytes"] is not None
    for record in records.values():
        assert len(record["rounds"]["variant_device_s"]) == len(record["rounds"]["variant_wall_s"])
    state = run["perfkit"]["machine_state"]
    assert state["end_gpu_allocated_bytes"] == pytest.approx(state["start_gpu_allocated_bytes"], rel=0.01)


def test_a_really_slowed_engine_is_named_alone(project: pytest.Pytester) -> None:
    base = [
        "--benchmark-storage=file://./results",
        "--perfkit-suite=tiny",
        "--perfkit-platform=cuda",
        "--benchmark-autosave",
    ]
    assert project.runpytest_subprocess(*base, "--perfkit-baseline=none").ret == 0
    (first,) = (project.path / "results").glob("*/*.json")
    slowed = project.runpytest_subprocess(
        *base, f"--perfkit-baseline={first}", "--perfkit-slow=resnet18/trt-fp16/1x3x224x224=10%"
    )
    assert slowed.ret == 1
    regressed = [line for line in slowed.outlines if "REGRESSED" in line]
    assert any("resnet18/trt-fp16/1x3x224x224" in line for line in regressed)
    assert not any("eager-fp16" in line or "112x112" in line for line in regressed)
