from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.projects import LARGE, MODEL, SMALL, logged, run_pytest, saved_files, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {"torch", "torchvision", "numpy", "skimage", "openvino", "PIL", "perfkit.record.baseline"}
REPORT_IMPORTS = f"""
import sys
def pytest_unconfigure():
    print("imported:", *sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)
"""
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path, suite(["raises-in-call", "twin"]))


def test_collecting_imports_nothing_heavy(project: Path) -> None:
    """Neither torch nor the packages of the variants nor what reads baselines; the cases stand in the plan's order."""
    (project / "conftest.py").write_text(REPORT_IMPORTS)
    collected = run_pytest(project, "--collect-only", "-q")
    assert collected.code == 0
    assert collected.err.splitlines() == ["imported:"]
    assert [line for line in collected.lines if "::" in line] == [
        f"test_bench.py::test_latency[{MODEL}-{variant}-{shape}]"
        for variant in ("eager-fp32", "raises-in-call", "twin")
        for shape in (SMALL, LARGE)
    ]


def test_an_unknown_model_is_not_looked_for_while_collecting(project: Path) -> None:
    """It takes torchvision to know; --collect-only stays quick."""
    write_project(project, suite(["twin"], models=["nosuchnet"]))
    assert run_pytest(project, "--collect-only").code == 0


def test_chosen_cases_alone_are_collected(project: Path) -> None:
    """The others are deselected, so that they are planned and not run; tests that are no cases stay."""
    (project / "test_other.py").write_text("def test_other():\n    pass\n")
    chosen = [f"--perfkit-case={MODEL}/twin/{SMALL}", f"--perfkit-case={MODEL}/eager-fp32/{LARGE}"]
    collected = run_pytest(project, "--collect-only", "-q", *chosen)
    assert collected.code == 0
    assert sorted(line for line in collected.lines if "::" in line) == [
        f"test_bench.py::test_latency[{MODEL}-eager-fp32-{LARGE}]",
        f"test_bench.py::test_latency[{MODEL}-twin-{SMALL}]",
        "test_other.py::test_other",
    ]
    assert "4 deselected" in collected.out


def test_the_marker_gpu_is_known_and_selects(project: Path) -> None:
    (project / "test_gpu.py").write_text("import pytest\n@pytest.mark.gpu\ndef test_of_a_gpu():\n    pass\n")
    collected = run_pytest(project, "--collect-only", "-q", "-m", "gpu")
    assert collected.code == 0
    assert [line for line in collected.lines if "::" in line] == ["test_gpu.py::test_of_a_gpu"]
    assert "gpu: needs an NVIDIA GPU" in "\n".join(run_pytest(project, "--markers").lines)


def test_a_project_without_cases_needs_no_suite(project: Path) -> None:
    """The plugin is installed everywhere; it minds its own tests alone."""
    (project / "perfkit.toml").write_text("this is no TOML")
    (project / "test_bench.py").write_text("def test_plain(benchmark):\n    benchmark(len, 'abc')\n")
    ended = run_pytest(project, "--benchmark-autosave")
    assert ended.code == 0, ended.out
    (path,) = saved_files(project)
    assert "perfkit" not in json.loads(path.read_text())


def test_stop_at_the_first_failure_then_the_last_failed_alone(project: Path) -> None:
    """-x and --lf; and on a terminal progress is a line that moves, with what is done and what is left."""
    terminal = [sys.executable, "-c", TERMINAL]
    stopped = run_pytest(
        project, "-x", "--perfkit-baseline=none", "--benchmark-autosave", launcher=terminal, TERM="xterm"
    )
    assert stopped.code == 1
    assert "1 failed" in stopped.out
    assert "2 passed" in stopped.out
    (path,) = saved_files(project)
    reasons = {(o["variant"], o["shape"]): o["reason"] for o in json.loads(path.read_text())["perfkit"]["outcomes"]}
    assert reasons["raises-in-call", SMALL].startswith("ValueError")
    assert {reasons[variant, LARGE] for variant in ("raises-in-call", "twin")} == {"the run ended before it"}
    assert [line for line in logged(project) if line.startswith("build twin")] == []
    assert f"building {MODEL} raises-in-call" in stopped.out
    assert "\x1b[" in stopped.out
    assert "2/6" in stopped.out
    assert " left" in stopped.out

    again = run_pytest(project, "--lf", "--collect-only", "-q")
    # Alone it is the one case; among all tests the variant's other shape was seen beside it, why isn't known.
    chosen = [line for line in again.lines if "::" in line]
    assert f"test_bench.py::test_latency[{MODEL}-raises-in-call-{SMALL}]" in chosen
    assert all("raises-in-call" in line for line in chosen)


def test_benchmarks_can_be_skipped(project: Path) -> None:
    """pytest-benchmark's own switch; nothing is saved, and warnings as errors make no traceback of it."""
    skipped = run_pytest(project, "--benchmark-skip", "--benchmark-autosave", "-W", "error")
    assert skipped.code == 0, skipped.out
    assert skipped.counts == {"skipped": 6}
    assert not saved_files(project)
    assert not (project / "log.txt").exists()


def test_nothing_selected_is_pytests_own_exit_code(project: Path) -> None:
    nothing = run_pytest(project, "-k", "nothing", "--benchmark-autosave", "-W", "error")
    assert nothing.code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "Traceback" not in nothing.err
