from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.report.exporter import Format
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
    assert main(["report", run, "--output", "new/summary.txt"]) == 0
    assert "12 NEW" in Path("new/summary.txt").read_text(encoding="utf-8")
    assert main(["report", run, "--output", "summary.md/x"]) == ExitCode.USAGE
    assert "summary.md/x: cannot be written" in capsys.readouterr().err
    assert Path("summary.md").is_file()


@pytest.mark.parametrize("form", list(Format))
def test_every_format_is_written(form: Format, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    run = str(write_run(Path("a")))
    slow = str(write_run(Path("b"), slowed(usual_times(), case(), 1.5), day=9))
    arguments = ["report", slow, "--baseline", run, "--format", form]
    assert main([*arguments, "--output", "report"]) == 0
    assert Path("report").stat().st_size > 0
    capsysbinary.readouterr()
    assert main(arguments) == (ExitCode.USAGE if form is Format.PARQUET else ExitCode.PASS)
    told = capsysbinary.readouterr()
    if form is Format.PARQUET:
        assert told.err == b"perfkit: --format parquet is no text; say where it goes with --output\n"
    elif form is not Format.TERMINAL:  # which fits its width to where it goes
        assert told.out == Path("report").read_bytes()


def test_a_missing_library_is_said_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("perfkit.report.exporter.find_spec", lambda _: None)
    assert main(["report", "nowhere.json", "--format", "html"]) == ExitCode.USAGE
    assert "pip install 'perfkit[report]'" in capsys.readouterr().err


def test_a_baseline_of_run_files_lends_its_rounds() -> None:
    for folder, day in (("a", 1), ("b", 9)):
        write_run(Path(folder), {case(): (4e-3, 1e-3)}, day=day)
    assert main(["report", "b", "--baseline", "a", "--format", "html", "--output", "r.html"]) == 0
    assert '"replicate":"baseline 1","clock":"device"' in Path("r.html").read_text(encoding="utf-8")


def test_quiet_and_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    run = str(write_run(Path("a")))
    slow = str(write_run(Path("b"), slowed(usual_times(), case(), 1.5), day=9))
    arguments = ["report", slow, "--baseline", run]
    main(arguments)
    usual = capsys.readouterr().out
    main([*arguments, "-q"])
    quiet = capsys.readouterr().out
    main([*arguments, "-v"])
    wordy = capsys.readouterr().out
    assert "baseline: a" in usual
    assert "baseline: a" not in quiet
    assert "PASS  " not in quiet
    assert str(case()) in quiet
    assert quiet.splitlines()[-1] == usual.splitlines()[-1]
    assert re.search(r"wall speedup \S+x → \S+x, -\d+\.\d%, \[-\d+\.\d%, ", wordy)
    assert "replicates 1 → 1" in wordy
    assert "replicates 1 → 1" not in usual


def test_several_files_are_replicates_of_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(write_run(Path("a"), day=day)) for day in (1, 2)]
    assert main(["report", *runs]) == 0
    assert "run: a, 2 replicates" in capsys.readouterr().out


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
