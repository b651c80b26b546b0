"""Faults that are put into what is built: a graph that is lost, an engine in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from perfkit.exit_codes import ExitCode
from tests.projects import LARGE, MODEL, SMALL, Ended, logged, run_pytest, saved_run, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path

LOST = f"{MODEL}/quick-graph/{SMALL}"
IN_FLOAT32 = f"{MODEL}/openvino-int8/{LARGE}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("faults"), suite(["openvino-int8", "quick-graph"]))


@pytest.fixture(scope="module")
def clean(project: Path) -> dict[str, Any]:
    run_pytest(project, "--perfkit-baseline=none", "--benchmark-autosave")
    assert launched(project, SMALL) == launched(project, LARGE) == 0
    return saved_run(project)


@pytest.fixture(scope="module")
def faulty(project: Path, clean: dict[str, Any]) -> tuple[Ended, dict[str, Any]]:
    assert len(clean["benchmarks"]) == 6
    faults = [f"--perfkit-fault={fault}" for fault in (f"{LOST}=lost-graph", f"{IN_FLOAT32}=fp32-engine")]
    ended = run_pytest(project, *faults, "--benchmark-autosave")
    return ended, saved_run(project)


def launched(project: Path, shape: str) -> int:
    """How often the made-up graph's kernels were launched one by one at a shape."""
    return logged(project).count(f"launch {tuple(map(int, shape.split('x')))}")


def record(run: dict[str, Any], variant: str, shape: str) -> Any:
    (found,) = [
        b["extra_info"]["perfkit"]
        for b in run["benchmarks"]
        if (b["extra_info"]["variant"], b["extra_info"]["shape"]) == (variant, shape)
    ]
    return found


def test_a_lost_graph_brings_its_launches_back(project: Path, faulty: tuple[Ended, dict[str, Any]]) -> None:
    """In the case alone that lost it; it calls the other shape a few times, to see what a change costs."""
    ended, run = faulty
    assert ended.counts == {"passed": 5, "failed": 1}
    rounds = record(run, "quick-graph", SMALL)["rounds"]
    assert launched(project, SMALL) > len(rounds["order"]) * rounds["variant_calls"]
    assert launched(project, LARGE) < len(rounds["order"])
    assert run["perfkit"]["injected"] == f"{LOST}=lost-graph, {IN_FLOAT32}=fp32-engine"


def test_an_engine_in_float32_is_broken_by_the_proof_of_precision(
    project: Path, clean: dict[str, Any], faulty: tuple[Ended, dict[str, Any]]
) -> None:
    """Really built, for this case alone; the store keeps the real one, and the other shape runs it."""
    ended, with_faults = faulty
    assert ended.code == ExitCode.FAIL, ended.out
    assert ended.verdicts("BROKEN") == [IN_FLOAT32]
    assert "precision not delivered: 0 of" in ended.out
    run_pytest(project, "--perfkit-baseline=none", "--benchmark-autosave")
    again = saved_run(project)
    for run in (with_faults, again):
        facts = record(run, "openvino-int8", SMALL)["facts"]
        assert facts["from_store"] is True
        assert facts["engine_sha256"] == record(clean, "openvino-int8", SMALL)["facts"]["engine_sha256"]
    assert record(again, "openvino-int8", LARGE)["facts"]["delivered_layers"] > 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (f"{MODEL}/openvino-int8/{SMALL}=lost-graph", "openvino-int8 has no CUDA graph to lose"),
        (f"{MODEL}/quick-graph/{SMALL}=fp32-engine", "quick-graph has no engine to be built in float32 instead"),
        (f"{MODEL}/eager-fp32/{SMALL}=fp32-engine", "eager-fp32 has no engine to be built in float32 instead"),
    ],
)
def test_a_fault_that_a_variant_cannot_have_is_refused_in_a_line(project: Path, fault: str, reason: str) -> None:
    refused = run_pytest(project, f"--perfkit-fault={fault}")
    assert refused.code == ExitCode.USAGE
    (line,) = [line for line in refused.err.splitlines() if "perfkit" in line]
    assert f"--perfkit-fault '{fault}': {reason}" in line
