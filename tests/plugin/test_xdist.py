from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perfkit.exit_codes import ExitCode
from tests.projects import run_pytest, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path, suite(["twin"]))
    (tmp_path / "test_other.py").write_text("from pathlib import Path\ndef test_other():\n    Path('ran').touch()\n")
    return tmp_path


@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("--strict-markers", "benchmarks can't run under xdist (-n): cases would contend"),
        ("--perfkit-suite=tinie", "unknown suite 'tinie'; did you mean tiny?"),
    ],
)
def test_cases_are_refused_in_workers(project: Path, argument: str, line: str) -> None:
    """One line of the controller's instead of a crash of each worker."""
    ended = run_pytest(project, "-n", "2", "-W", "error", "--benchmark-autosave", argument)
    assert ended.code == ExitCode.USAGE
    assert [told for told in ended.err.splitlines() if told] == [f"ERROR: perfkit: {line}"]
    assert "INTERNALERROR" not in ended.out
    assert not (project / "ran").exists()


def test_tests_without_cases_run_in_workers(project: Path) -> None:
    (project / "test_bench.py").unlink()
    ended = run_pytest(project, "-n", "2")
    assert ended.code == 0, ended.out
    assert ended.counts == {"passed": 1}


def test_no_worker_is_no_xdist(project: Path) -> None:
    ended = run_pytest(project, "-n", "0", "--benchmark-skip")
    assert ended.code == 0, ended.out
    assert ended.counts == {"passed": 1, "skipped": 4}
