"""Wrong usage: one line and exit code 4, before anything is measured.

These runs end before a model is loaded and stay in this process, which has torch by then; imported inside one of
them it would be forgotten with the rest of that run's modules.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import skimage.data  # noqa: F401
import torch
import torchvision  # noqa: F401

from perfkit.catalog import images, models  # noqa: F401
from perfkit.exit_codes import ExitCode
from perfkit.measure import bench  # noqa: F401
from tests.projects import SMALL, run_pytest, suite, write_project
from tests.support import program_environment, write_run

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_BENCHMARK = ("-p", "no:benchmark")
CPU_ONLY = pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
TWIN = suite(["eager-bf16"])


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    write_project(pytester.path, TWIN)
    return pytester


def test_a_project_may_switch_pytest_benchmark_off(pytester: pytest.Pytester) -> None:
    """In an environment that has perfkit for another project."""
    pytester.makepyfile("def test_something(): pass")
    pytester.runpytest_subprocess(*WITHOUT_BENCHMARK).assert_outcomes(passed=1)


def test_cases_without_pytest_benchmark_are_refused(project: pytest.Pytester) -> None:
    (project.path / "pytest.ini").write_text("[pytest]\n")  # without options of pytest-benchmark
    ended = run_pytest(project.path, *WITHOUT_BENCHMARK)
    assert ended.code == ExitCode.USAGE
    assert "perfkit: cases are measured by pytest-benchmark, which is switched off (-p no:benchmark)" in ended.err


def test_a_session_without_cases_imports_none_of_what_they_need(pytester: pytest.Pytester) -> None:
    """Every session of an environment loads the plugin, whatever it tests."""
    pytester.makepyfile("def test_something(): pass")
    code = (
        "import sys, pytest; assert pytest.main(['-p', 'pytest_benchmark.plugin', '-p', 'perfkit.plugin']) == 0; "
        "assert not set(sys.modules) & {'pydantic', 'perfkit.plugin.state', 'perfkit.judge', 'perfkit.history.keep', "
        "'perfkit.report'}"
    )
    alone = {**program_environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=pytester.path, env=alone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def refused(project: pytest.Pytester, *arguments: str) -> str:
    """The one line with which a run was refused."""
    result = project.runpytest_inprocess(
        "--perfkit-suite=tiny", "--perfkit-platform=cpu", "--benchmark-autosave", "-W", "error", *arguments
    )
    assert result.ret == ExitCode.USAGE
    shown = result.errlines + result.outlines
    assert not any("Traceback" in line or "INTERNALERROR" in line for line in shown)
    assert not any("perfkit: loading" in line for line in shown)
    assert not list(project.path.glob("results/**/*.json"))
    (line,) = [line for line in result.errlines if line]
    assert line.startswith("ERROR: perfkit: ")
    return line.removeprefix("ERROR: perfkit: ")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (suite([], name="tinny"), "unknown suite 'tiny'; did you mean tinny?"),
        (suite(["openvino-fp23"]), "suite 'tiny': unknown variant 'openvino-fp23'; did you mean openvino-fp32"),
        (suite([], models=["resnet81"]), "unknown model 'resnet81'; did you mean resnet18"),
        (suite([], models=["resnet18@tinie"]), "unknown profile 'tinie'; did you mean tiny"),
        (suite([], shapes=["1x3x97x97"]), "shape 1x3x97x97 of the suite is outside the profile of squeezenet1_1"),
        (TWIN.replace("cpu = ", "cuda = "), "suite 'tiny' is empty on platform cpu"),
        (suite([], models=[]), "perfkit.toml: suites.tiny.models: List should have at least 1 item"),
        (TWIN.replace("max_rounds = 6", "max_rounds = 5"), "perfkit.toml: measure: min_rounds is larger"),
        ("suites = 3", "perfkit.toml: suites: Input should be a valid dictionary"),
        ("suites = ", "perfkit.toml: can't be read: Invalid value (at end of document)"),
    ],
)
def test_configuration(project: pytest.Pytester, config: str, message: str) -> None:
    (project.path / "perfkit.toml").write_text(config)
    assert refused(project).startswith(message)


def test_a_problem_is_told_where_everything_is_deselected_too(project: pytest.Pytester) -> None:
    """pytest's -k has then left out the one test that stands for all cases, which is none itself."""
    (project.path / "perfkit.toml").write_text("suites = 3")
    told = refused(project, "-k", "squeezenet1_1")
    assert told == "perfkit.toml: suites: Input should be a valid dictionary"


def test_waivers(project: pytest.Pytester) -> None:
    (project.path / "perfkit-waivers.toml").write_text('[[waiver]]\ncase = "*"\n')
    assert refused(project) == "perfkit-waivers.toml: waiver 1: metric: is missing (and 4 more)"


@CPU_ONLY
def test_cuda_without_a_gpu(project: pytest.Pytester) -> None:
    assert refused(project, "--perfkit-platform=cuda").startswith("--perfkit-platform cuda: the NVIDIA driver shows no")


@CPU_ONLY
def test_auto_is_the_cpu_here(project: pytest.Pytester) -> None:
    """The suite has variants for the GPU alone, and is empty."""
    (project.path / "perfkit.toml").write_text(TWIN.replace("cpu = ", "cuda = "))
    assert "is empty on platform cpu" in refused(project, "--perfkit-platform=auto")


def test_a_platform_that_does_not_exist(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess("--perfkit-platform=tpu")
    assert result.ret == ExitCode.USAGE
    result.stderr.fnmatch_lines(["*--perfkit-platform: invalid choice: 'tpu'*"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nonsense", "--perfkit-fault 'nonsense': expected MODEL/VARIANT/SHAPE=FAULT"),
        (f"squeezenet1_1/eager-bf16/{SMALL}=slow:-10%", "--perfkit-fault"),
        (
            f"resnet18/eager-bf16/{SMALL}=slow:10%",
            f"--perfkit-fault: resnet18/eager-bf16/{SMALL} is no case of suite 'tiny'",
        ),
    ],
)
def test_a_slowdown_of_nothing(project: pytest.Pytester, value: str, message: str) -> None:
    assert refused(project, f"--perfkit-fault={value}").startswith(message)


def test_reports_that_could_not_be_written(project: pytest.Pytester) -> None:
    """Before hours of measuring, and without making anything."""
    (project.path / "file").touch()
    for value, message in (
        ("report.html", "'report.html' is not FORMAT:PATH, such as html:report.html"),
        ("pdf:report.pdf", "there is no format 'pdf'; there are terminal, markdown, html, json, junit"),
        ("junit:file/report.xml", "file/report.xml: cannot be written: "),
        (f"csv:{project.path}", f"{project.path}: is a folder; name a file"),
    ):
        assert refused(project, f"--perfkit-report={value}").startswith(f"--perfkit-report: {message}")
    line = refused(project, "--perfkit-report=csv:new/x", "--perfkit-report=html:new/x")
    assert line == "--perfkit-report: new/x is given twice; each report needs a file of its own"
    assert not (project.path / "new").exists()


def test_a_case_that_the_suite_doesnt_have(project: pytest.Pytester) -> None:
    line = refused(project, "--perfkit-case=squeezenet1_1/eager-bf61/1x3x64x64")
    assert line.startswith(
        "--perfkit-case: unknown case of suite 'tiny' 'squeezenet1_1/eager-bf61/1x3x64x64'; "
        "did you mean squeezenet1_1/eager-bf16/1x3x64x64"
    )


@pytest.mark.case("B14")
def test_calibration_data(project: pytest.Pytester) -> None:
    folder = project.path / "pictures"
    assert refused(project, f"--calibration-data={folder}") == f"--calibration-data: {folder} is not a folder"
    folder.mkdir()
    assert "holds no picture" in refused(project, f"--calibration-data={folder}")
    (folder / "cat.png").write_bytes(b"not a picture")
    assert f"{folder / 'cat.png'}: can't be read as a picture" in refused(project, f"--calibration-data={folder}")


def test_an_unreadable_baseline(project: pytest.Pytester, tmp_path: Path) -> None:
    missing, cut = tmp_path / "missing.json", tmp_path / "cut.json"
    cut.write_text('{"kind": "perfkit-bas')
    assert refused(project, f"--perfkit-baseline={missing}") == f"{missing}: cannot be read: No such file or directory"
    assert refused(project, f"--perfkit-baseline={cut}").startswith(f"{cut}: not whole JSON, line 1")
    assert "no git repository" in refused(project, "--perfkit-baseline=git:main")


def test_a_key_of_engines_that_cant_be_used(
    project: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERFKIT_ENGINE_KEY_FILE", str(tmp_path / "engines.key"))
    missing = f"PERFKIT_ENGINE_KEY_FILE: {tmp_path / 'engines.key'}: can't be read: No such file or directory"
    assert refused(project) == missing
    (tmp_path / "engines.key").write_text("swordfish")
    line = refused(project)
    assert "a key has 32 to 4096 bytes" in line
    assert "swordfish" not in line


@pytest.mark.parametrize("key", ["kind", "perfkit"])
def test_a_baseline_of_another_schema_version(project: pytest.Pytester, tmp_path: Path, key: str) -> None:
    path = write_run(tmp_path)
    data = json.loads(path.read_text())
    if key == "kind":
        data = {"kind": "perfkit-baseline", "schema_version": 99, "hardware": {}, "replicates": []}
    else:
        data["perfkit"]["schema_version"] = 99
    path.write_text(json.dumps(data))
    line = refused(project, f"--perfkit-baseline={path}")
    assert line.startswith(f"{path}: ")
    assert "schema version 99" in line


@pytest.mark.parametrize("table", ["[tool.perfkit]\nsuites = 3", "[tool]\nperfkit = 3"])
def test_a_fault_in_pyproject_is_named_there(project: pytest.Pytester, table: str) -> None:
    (project.path / "perfkit.toml").unlink()
    (project.path / "pyproject.toml").write_text(table)
    assert refused(project).startswith("pyproject.toml")


def test_a_problem_is_told_before_other_tests_run(project: pytest.Pytester) -> None:
    project.makepyfile(test_other="from pathlib import Path\ndef test_other():\n    Path('ran').touch()\n")
    refused(project, "--perfkit-suite=nosuch")
    assert not (project.path / "ran").exists()
