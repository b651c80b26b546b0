"""examples/own-models is installed and run as a user would, and does what docs/own-models.md says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from perfkit.exit_codes import ExitCode
from tests import undisturbed
from tests.projects import environment, saved_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "own-models"
METRIC = "images-per-s-2-callers"
SHORT = "\n[measure]\nmin_rounds = 6\nmax_rounds = 6\ntime_budget_s = 0.01\nwarmup_max_s = 0.2\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, shorter, with its package installed below it."""
    folder = tmp_path_factory.mktemp("example") / "own-models"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("results", ".perfkit", "__pycache__"))
    config = folder / "perfkit.toml"
    config.write_text(config.read_text("utf-8") + SHORT, encoding="utf-8")
    # The environment of the tests has no pip of its own; Python brings one for new environments.
    tools = folder.with_name("tools")
    subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True, timeout=300)
    pip = [str(tools / "bin" / "pip"), "--python", sys.executable, "--disable-pip-version-check"]
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder / "installed")]
    subprocess.run([*pip, "install", *options, "."], cwd=folder, check=True, timeout=300)
    return folder


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    own = environment(project)
    path = os.pathsep.join([str(project / "installed"), own["PYTHONPATH"]])
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**own, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def ended(project: Path) -> subprocess.CompletedProcess[str]:
    return run(project, "pytest", "benchmarks", "--benchmark-autosave", "-p", undisturbed.__name__)


@pytest.fixture(scope="module")
def records(project: Path, ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ended.returncode == ExitCode.NOT_JUDGED, ended.stdout + ended.stderr  # there is no baseline yet
    cases = [entry["extra_info"]["perfkit"] for entry in saved_run(project)["benchmarks"]]
    return {case["variant"]: case for case in cases}


def test_the_model_the_backend_and_the_metric_are_measured(records: dict[str, Any]) -> None:
    assert set(records) == {"eager-fp32", "torchscript-fp32"}
    for case in records.values():
        assert (case["model"], case["shape"]) == ("tiny_edge_net", "1x3x64x64")
        metric = case["custom_metrics"][METRIC]
        assert metric["reason"] == ""
        assert metric["value"] > 0
        assert (metric["unit"], metric["better"], metric["tolerance"]) == ("img/s", "higher", 0.25)


def test_the_backend_is_another_program_with_the_same_answers(records: dict[str, Any]) -> None:
    built = records["torchscript-fp32"]
    assert built["facts"]["layers"] > 0
    assert built["facts"]["notes"] == []  # BatchNorm was folded
    assert built["agreement"]["cosine_min"] > 0.999


def test_the_report_shows_the_metric(project: Path, ended: subprocess.CompletedProcess[str], records: Any) -> None:
    assert METRIC in ended.stdout
    (saved,) = (project / "results").glob("*/[0-9]*.json")
    told = run(project, "perfkit", "report", str(saved), "--format", "json")
    rows = json.loads(told.stdout)["rows"]
    values = {row["variant"]: row["custom_metrics"][0]["current"] for row in rows}
    assert values == {variant: case["custom_metrics"][METRIC]["value"] for variant, case in records.items()}


def test_doctor_knows_what_the_package_brings(project: Path) -> None:
    told = run(project, "perfkit", "doctor").stdout
    assert "models of other packages\n  tiny_edge_net\n" in told
    assert f"metrics of other packages\n  {METRIC}  can run\n" in told
    assert "torchscript-fp32" in told


def test_collecting_imports_no_torch_and_nothing_of_the_example(project: Path) -> None:
    check = (
        "import pytest, sys; code = pytest.main(['--collect-only', '-q', 'benchmarks']); "
        "assert code == 0; assert not {'torch', 'perfkit_example.models', 'perfkit_example.metrics'} & set(sys.modules)"
    )
    own = environment(project)
    path = os.pathsep.join([str(project / "installed"), own["PYTHONPATH"]])
    subprocess.run([sys.executable, "-c", check], cwd=project, env={**own, "PYTHONPATH": path}, check=True, timeout=300)


def test_unknown_metrics_are_named_before_anything_is_measured(project: Path, tmp_path: Path) -> None:
    config = (project / "perfkit.toml").read_text("utf-8")
    (tmp_path / "perfkit.toml").write_text(config.replace(METRIC, "images-per-s"), encoding="utf-8")
    shutil.copytree(project / "benchmarks", tmp_path / "benchmarks")
    (tmp_path / "installed").symlink_to(project / "installed")
    ended = run(tmp_path, "pytest", "benchmarks")
    assert ended.returncode == ExitCode.USAGE
    assert f"unknown metric 'images-per-s'; did you mean {METRIC}?" in ended.stderr
