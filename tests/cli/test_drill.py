from __future__ import annotations

import json
from typing import TYPE_CHECKING

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.support import run_data, write_run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_run_is_drilled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for day in (1, 2, 3):
        write_run(tmp_path / "run", day=day)
    assert main(["drill", "--offline", str(tmp_path / "run")]) == ExitCode.PASS
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["fault", "named"]
    assert "one case slower by 30%                          12 of 12" in lines
    assert lines[-1] == "nothing put in, each of 3 replicates against the others: 0 of 36 cases REGRESSED"


def test_a_judge_that_can_see_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two rounds are too few for a verdict, so that nothing would be REGRESSED, ever."""
    path = write_run(tmp_path / "run", rounds=2)
    assert main(["drill", "--offline", str(path)]) == ExitCode.FAIL
    out = capsys.readouterr().out
    assert "can't be trusted" in out
    assert "one replicate: its false alarms can't be told" in out


def test_a_run_without_a_case_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.json"
    path.write_text(json.dumps(run_data({})), encoding="utf-8")
    assert main(["drill", "--offline", str(path)]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("perfkit: ")


def test_it_needs_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drill"]) == ExitCode.USAGE
    assert "--offline" in capsys.readouterr().err
