from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.support import case, slowed, usual_times, write_run

HURT = case("trt-int8")
ENTRY = """
[[waiver]]
case = "resnet50/trt-int8/1x*"
metric = "*"
size = "12%"
owner = "ana"
reason = "new kernel lands in March"
expires = 2030-01-09
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    set_today(monkeypatch, 2030, 1, 9)
    for day in (1, 2, 3):
        write_run(Path("before"), day=day)
    assert main(["promote", "before"]) == ExitCode.PASS


def set_today(monkeypatch: pytest.MonkeyPatch, *day: int) -> None:
    for name in ("check_", "list_"):
        monkeypatch.setattr(f"perfkit.cli.waivers.{name}.today", lambda: dt.date(*day))


def waive(text: str = ENTRY) -> None:
    Path("perfkit-waivers.toml").write_text(text, encoding="utf-8")


def run(factor: float = 1.1, day: int = 9) -> str:
    return str(write_run(Path(f"night{day}"), slowed(usual_times(), HURT, factor), day=day))


def test_a_waived_regression_is_printed_with_owner_reason_and_day(capsys: pytest.CaptureFixture[str]) -> None:
    waive()
    capsys.readouterr()
    assert main(["compare", "auto", run()]) == ExitCode.PASS
    shown = " ".join(capsys.readouterr().out.split())
    assert "~ WAIVED" in shown
    assert "waived by ana until 2030-01-09, up to 12% (new kernel lands in March)" in shown
    assert "1 WAIVED, 11 PASS" in shown
    assert main(["compare", "auto", run(), "--format", "markdown"]) == ExitCode.PASS
    assert "| ~ WAIVED |" not in capsys.readouterr().out  # the tilde is markup and escaped
    assert main(["report", run(), "--json"]) == ExitCode.PASS
    row = next(row for row in json.loads(capsys.readouterr().out)["rows"] if row["verdict"] == "WAIVED")
    assert row["waiver"] == {
        "number": 1,
        "case": "resnet50/trt-int8/1x*",
        "metric": "*",
        "size": "12%",
        "owner": "ana",
        "reason": "new kernel lands in March",
        "expires": "2030-01-09",
    }


def test_past_its_size_or_its_day_the_run_fails(capsys: pytest.CaptureFixture[str]) -> None:
    waive()
    assert main(["compare", "auto", run(1.3)]) == ExitCode.FAIL
    assert "ana's waiver allows 12%" in capsys.readouterr().out
    assert main(["compare", "auto", run(day=10)]) == ExitCode.FAIL
    assert "ana's waiver expired on 2030-01-09" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [["compare", "auto", "RUN"], ["report", "RUN"], ["waivers", "list"], ["waivers", "check"]]
)
def test_a_file_that_is_no_waivers_file_stops_every_command_that_reads_it(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    waive(ENTRY.replace('"12%"', "10"))
    assert main([run() if word == "RUN" else word for word in command]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("perfkit: perfkit-waivers.toml: waiver 1: size: 10 has no unit")


def test_list_shows_what_the_file_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    waive(ENTRY + ENTRY.replace("2030-01-09", "2030-01-08"))
    capsys.readouterr()
    assert main(["waivers", "list"]) == ExitCode.PASS
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["case", "metric", "size", "owner", "expires", "reason"]
    assert "2030-01-08 (expired)" in lines[2]
    assert lines[-1] == "2 waivers"
    assert main(["waivers", "list", "--json"]) == ExitCode.PASS
    told = json.loads(capsys.readouterr().out)
    assert [(entry["number"], entry["expired"]) for entry in told] == [(1, False), (2, True)]
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["waivers", "list"]) == ExitCode.PASS
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 40


def test_check_passes_what_is_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["waivers", "check"]) == ExitCode.PASS
    waive()
    capsys.readouterr()
    assert main(["waivers", "check"]) == ExitCode.PASS
    assert main(["waivers", "check", run()]) == ExitCode.PASS
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == "perfkit-waivers.toml: waiver 1 (ana, resnet50/trt-int8/1x*): in use"
    assert main(["waivers", "check", run(1.3)]) == ExitCode.PASS
    assert "in use, and exceeded" in capsys.readouterr().out


def test_check_fails_what_has_expired_or_is_unused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waive()
    assert main(["waivers", "check", run(1.0)]) == ExitCode.FAIL
    assert "unused: remove it" in capsys.readouterr().out
    set_today(monkeypatch, 2030, 1, 10)
    for runs in ([], [run()]):
        assert main(["waivers", "check", *runs]) == ExitCode.FAIL
        assert "expired: remove it, or mend what it excused (it ended on 2030-01-09)" in capsys.readouterr().out


def test_check_without_a_run_knows_the_cases_of_the_baselines(capsys: pytest.CaptureFixture[str]) -> None:
    waive(ENTRY + ENTRY.replace("resnet50", "vgg16"))
    capsys.readouterr()
    assert main(["waivers", "check", "--json"]) == ExitCode.FAIL
    assert [entry["standing"] for entry in json.loads(capsys.readouterr().out)] == ["in use", "unused"]
    assert main(["waivers", "check", "--results", "elsewhere"]) == ExitCode.FAIL
    assert capsys.readouterr().out.count("unused") == 2


def test_check_of_a_run_that_cant_be_judged_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    waive()
    assert main(["waivers", "check", run(), "--results", "elsewhere"]) == ExitCode.NOT_JUDGED
    assert "no baseline for this hardware" in capsys.readouterr().out
    assert main(["waivers", "check", run(), "--results", "elsewhere", "--json"]) == ExitCode.NOT_JUDGED
    assert "no baseline for this hardware" in json.loads(capsys.readouterr().out)["why"]
