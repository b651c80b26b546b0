from __future__ import annotations

from pathlib import Path

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.support import case, slowed, usual_times, write_run


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_report_is_no_gate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", str(write_run(Path("a"), day=1))]) == 0
    slow = write_run(Path("b"), slowed(usual_times(), case(), 1.5), day=9)
    capsys.readouterr()
    assert main(["report", str(slow)]) == 0
    assert "REGRESSED" in capsys.readouterr().out
    assert main(["report", str(slow), "--baseline", "none"]) == 0
    assert "12 NEW" in capsys.readouterr().out
    assert main(["report", str(slow), "--baseline", "a"]) == 0
    assert "12 compared against a of 12 cases" in capsys.readouterr().out


def test_a_report_goes_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    run = str(write_run(Path("a")))
    assert main(["report", run, "--format", "markdown", "--output", "summary.md"]) == 0
    assert capsys.readouterr().out == ""
    assert Path("summary.md").read_text(encoding="utf-8").startswith("**0 compared against")
    assert main(["report", run, "--output", "nowhere/summary.md"]) == ExitCode.USAGE
    assert "nowhere/summary.md: cannot be written" in capsys.readouterr().err


def test_several_files_are_replicates_of_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(write_run(Path("a"), day=day)) for day in (1, 2)]
    assert main(["report", *runs]) == 0
    assert "run: a/0001.json, a/0002.json, 2 replicates" in capsys.readouterr().out


def test_an_unreadable_file_is_told() -> None:
    Path("cut.json").write_text("{")
    assert main(["report", "cut.json"]) == ExitCode.USAGE


def test_no_color_and_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(write_run(Path("a")))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(["report", run])
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["report", run])
    assert "\x1b[" not in capsys.readouterr().out
