from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.projects import LARGE, MODEL, SMALL, Ended, logged, run_pytest, saved_files, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path

UNBUILDABLE, OTHER = "fasterrcnn_mobilenet_v3_large_fpn", "shufflenet_v2_x0_5"
VARIANTS = ["twin", "raises-when-timed", "sibling"]
CASES = [
    (model, variant, shape)
    for model in (MODEL, UNBUILDABLE, OTHER)
    for variant in ("eager-fp32", *VARIANTS)
    for shape in (SMALL, LARGE)
    if (variant, shape) != ("sibling", SMALL)
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = suite(VARIANTS, models=[MODEL, UNBUILDABLE, OTHER])
    return write_project(tmp_path_factory.mktemp("sharing"), config)


@pytest.fixture(scope="module")
def ended(project: Path) -> Ended:
    """Nothing is timed, but everything is loaded, built and called."""
    return run_pytest(project, "--benchmark-disable", "--benchmark-autosave", "-v", "-k", "not (sibling and 64x64)")


def test_a_model_is_loaded_once_and_a_variant_built_once_for_all_its_shapes(project: Path, ended: Ended) -> None:
    assert [line for line in ended.lines if line.startswith("perfkit: loading")] == [
        f"perfkit: loading {model}" for model in (MODEL, UNBUILDABLE, OTHER)
    ]
    assert logged(project) == [
        line
        for model in ("SqueezeNet", "ShuffleNetV2")
        for variant in VARIANTS
        for line in (f"build {variant} {model}, 0 other models alive", f"close {variant}")
    ]


def test_cases_run_in_the_order_of_the_plan(ended: Ended) -> None:
    ran = re.findall(r"^perfkit: \[ ?\d+/21\] (\S+)/(\S+)/(\S+)  ", ended.out, re.MULTILINE)
    assert ran == CASES


def test_broken_ones_do_not_stop_the_others(ended: Ended) -> None:
    """A two-stage detector has no heads of fixed size."""
    assert ended.code == 1
    assert ended.counts == {"passed": 10, "failed": 11, "deselected": 3}
    broken = [line for line in ended.lines if line.startswith("perfkit: [") and "broken: " in line]
    unbuildable = [line for line in broken if UNBUILDABLE in line]
    assert len(unbuildable) == 7
    assert all("has no single-shot heads" in line for line in unbuildable)
    assert all("raises-when-timed" in line and "out of memory" in line for line in set(broken) - set(unbuildable))


def test_with_benchmarks_disabled_nothing_is_saved_or_judged(project: Path, ended: Ended) -> None:
    assert not saved_files(project)
    assert "NEW" not in ended.out
    assert "INTERNALERROR" not in ended.out + ended.err
    assert "FixtureAlreadyUsed" not in ended.out
