"""What a case costs beside its latency: the first call, a change of shape."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from tests.projects import LARGE, MODEL, SMALL, run_pytest, saved_run, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path


def records(folder: Path) -> dict[tuple[str, str], Any]:
    extras = [benchmark["extra_info"] for benchmark in saved_run(folder)["benchmarks"]]
    return {(extra["variant"], extra["shape"]): extra["perfkit"] for extra in extras}


@pytest.mark.case("B13")
def test_first_calls_and_changes_of_shape_are_no_part_of_any_latency(tmp_path: Path) -> None:
    project = write_project(tmp_path, suite(["sets-up-shapes"]))
    run_pytest(project, "--benchmark-autosave")
    found = records(project)
    for shape in (SMALL, LARGE):
        lazy, plain = (found[variant, shape] for variant in ("sets-up-shapes", "eager-fp32"))
        latency_s = median(lazy["rounds"]["variant_wall_s"])
        assert lazy["warmup"]["variant_cold_call_s"] > 0.3 > 2 * latency_s
        assert 0.1 < lazy["warmup"]["variant_shape_change_s"] < 0.3
        assert plain["warmup"]["variant_shape_change_s"] < lazy["warmup"]["variant_shape_change_s"]


def test_a_shape_that_fails_breaks_its_own_case_alone(tmp_path: Path) -> None:
    """The other shape is called too, to see what a change costs."""
    project = write_project(tmp_path, suite(["serves-one-shape"]))
    ended = run_pytest(project, "--benchmark-autosave")
    assert ended.verdicts("BROKEN") == [f"{MODEL}/serves-one-shape/{LARGE}"]
    assert records(project)["serves-one-shape", SMALL]["warmup"]["variant_shape_change_s"] is None


def test_one_shape_has_no_change(tmp_path: Path) -> None:
    project = write_project(tmp_path, suite([], shapes=[SMALL]))
    run_pytest(project, "--benchmark-autosave")
    assert records(project)["eager-fp32", SMALL]["warmup"]["variant_shape_change_s"] is None
