from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.projects import LARGE, MODEL, SMALL, Ended, logged, run_pytest, saved_files, suite, write_project

UNBUILDABLE, OTHER = "fasterrcnn_mobilenet_v3_large_fpn", "shufflenet_v2_x0_5"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = suite(["twin", "sibling"], models=[MODEL, UNBUILDABLE, OTHER])
    return write_project(tmp_path_factory.mktemp("sharing"), config)


@pytest.fixture(scope="module")
def ended(project: Path) -> Ended:
    """Nothing is timed, but everything is loaded, built and called."""
    return run_pytest(project, "--benchmark-disable", "--benchmark-autosave", "-v", "-k", "not sibling or large or 96x96")


def test_a_model_is_loaded_once_and_a_variant_built_once_for_all_its_shapes(project: Path, ended: Ended) -> None:
    assert [line for line in ended.lines if line.startswith("perfkit: loading")] == [
        f"perfkit: loading {model}" for model in (MODEL, UNBUILDABLE, OTHER)
    ]
    assert logged(project) == [
        "build twin SqueezeNet, 0 other models alive",
        "close twin",
        "build sibling SqueezeNet, 0 other models alive",
        "close sibling",
        "build twin ShuffleNetV2, 0 other models alive",
        "close twin",
        "build sibling ShuffleNetV2, 0 other models alive",
        "close sibling",
    ]


def test_cases_run_in_the_order_of_the_plan(ended: Ended) -> None:
    ran = re.findall(r"test_latency\[(\S+?)-(eager-fp32|twin|sibling)-(\S+)\]", "\n".join(_progress(ended)))
    assert ran == [
        (model, variant, shape)
        for model in (MODEL, UNBUILDABLE, OTHER)
        for variant in ("eager-fp32", "twin", "sibling")
        for shape in (SMALL, LARGE)
        if (variant, shape) != ("sibling", SMALL)
    ]


def test_a_model_that_cannot_be_built_breaks_its_own_cases(ended: Ended) -> None:
    """A two-stage detector has no heads of fixed size."""
    assert ended.code == 1
    assert ended.counts == {"passed": 10, "failed": 5, "deselected": 3}
    broken = [line for line in ended.lines if line.startswith("perfkit: [") and "broken: " in line]
    assert len(broken) == 5
    assert all(UNBUILDABLE in line and "has no single-shot heads" in line for line in broken)


def test_with_benchmarks_disabled_nothing_is_saved_or_judged(project: Path, ended: Ended) -> None:
    assert not saved_files(project)
    assert "NEW" not in ended.out
    assert "INTERNALERROR" not in ended.out + ended.err


def _progress(ended: Ended) -> list[str]:
    """The lines by which pytest says that a test begins."""
    return [line for line in ended.lines if line.startswith("test_bench.py::")]
