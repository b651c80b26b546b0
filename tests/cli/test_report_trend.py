"""``perfkit report --trend``: terminal, Markdown and HTML of the same history."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.report.exporter import Format
from perfkit.report.markdown import MOST_BYTES
from tests.golden import assert_golden
from tests.support import CPU, case, slowed, usual_times, write_run

GOLDEN = Path(__file__).parent / "golden"
SLOWER, NEWCOMER = case("trt-int8"), case(model="vg|g`<b>\x1b[31m")


@pytest.fixture(autouse=True)
def _kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFKIT_HISTORY", f"sqlite:///{tmp_path}/history.sqlite")
    for day in range(1, 15):
        times = usual_times() if day <= 7 else slowed(usual_times(), SLOWER, 1.2)
        write_run(Path("runs"), {**times, NEWCOMER: (9e-3, 2e-3)} if day == 14 else times, day=day)
    assert main(["history", "add", "runs"]) == ExitCode.PASS
    capsys.readouterr()


@pytest.mark.parametrize(("form", "name"), [("terminal", "trend.txt"), ("markdown", "trend.md")])
def test_the_whole_report(form: str, name: str) -> None:
    assert main(["report", "--trend", "--format", form, "--output", name]) == ExitCode.PASS
    assert_golden(GOLDEN / name, Path(name).read_text("utf-8"))


@pytest.mark.parametrize("width", ["200", "60"])
def test_the_terminal_has_newcomers_changes_and_a_line_a_series(
    width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    assert main(["report", "--trend"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    assert all(len(line) <= int(width) for line in lines)
    assert "\x1b" not in shown
    if width == "200":
        assert lines[0] == "new on 2030-01-14: vg|g`<b>\\x1b[31m/trt-fp16/1x3x224x224"
        assert re.search(rf"2030-01-08 +▼ step +{SLOWER} +device speedup +-1[67]\.\d%", shown)
        assert len(re.findall(r"[▁-█]{14}", shown)) == 12  # the newcomer has one bar
        assert lines[-1] == "13 series in 14 nights, 2030-01-01 to 2030-01-14: 1 got worse, 1 new, 11 steady"


def test_markdown_is_small_and_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--trend", "--format", "markdown"]) == ExitCode.PASS
    text = capsys.readouterr().out
    assert text.startswith("**13 series in 14 nights, 2030-01-01 to 2030-01-14: 1 got worse")
    assert "- new on 2030-01-14: vg&#124;g&#96;&#60;b&#62;" in text
    assert f"| 2030-01-08 | ▼ step | {SLOWER} |" in text
    assert "<details><summary>13 series</summary>\n\n| case |" in text
    assert "<b>" not in text


def test_markdown_of_many_cases_stays_below_what_github_keeps() -> None:
    many = {case(model=f"{'m_' * 60}{number}"): (4e-3, 1e-3) for number in range(400)}
    for day in (15, 16):
        write_run(Path("many"), many, day=day, rounds=2)
    assert main(["history", "add", "many"]) == ExitCode.PASS
    assert main(["report", "--trend", "--format", "markdown", "--output", "trend.md"]) == ExitCode.PASS
    content = Path("trend.md").read_bytes()
    assert 40_000 < len(content) <= MOST_BYTES
    assert re.search(rb"\d+ more are left out here\.\n\n</details>\n$", content)


def test_metric_and_since_choose(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--trend", "--metric", "layers", "--since", "2030-01-10"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert "13 series in 5 nights, 2030-01-10 to 2030-01-14" in shown
    assert "no series changed its level" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--trend", "runs"], "--trend shows the history and no run; leave out runs, or --trend"),
        ([], "give the run files or folders to show, or --trend for the history"),
        (["runs", "--since", "3d"], "--since chooses from the history; it needs --trend"),
        (["runs", "--metric", "layers"], "--metric chooses from the history; it needs --trend"),
        (["--trend", "--metric", "nope"], "the history has no 'nope' of it; there are: "),
        (["--trend", "--since", "2031-01-01"], "the history has nothing since 2031-01-01; leave out --since"),
        (["--trend", "--format", "html", "--output", "."], ".: is a folder; name a file"),
    ],
)
def test_what_cannot_be_shown_is_said(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", *arguments]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("form", [form for form in Format if form not in ("terminal", "markdown", "html")])
def test_other_formats_name_the_commands_that_have_the_numbers(
    form: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--trend", "--format", form, "--output", "x"]) == ExitCode.USAGE
    assert "perfkit history --csv" in capsys.readouterr().err
    assert not Path("x").exists()


def test_the_page_of_a_run_has_its_cases_through_the_nights() -> None:
    arguments = ["report", "runs/0014.json", "--baseline", "none", "--format", "html", "--output"]
    assert main([*arguments, "with.html"]) == ExitCode.PASS
    text = Path("with.html").read_text("utf-8")
    assert len(re.findall(r'<figure data-chart="trend"', text)) == 13
    assert "Through 14 nights, device speedup (axis: x): 5.00x → 4.1" in text
    Path("history.sqlite").unlink()
    assert main([*arguments, "without.html"]) == ExitCode.PASS
    text = Path("without.html").read_text("utf-8")
    assert '<figure data-chart="trend"' not in text
    assert "no history yet; perfkit run starts one" in text


def test_another_machines_nights_are_not_shown_with_a_run() -> None:
    write_run(Path("cpu"), usual_times(), hardware=CPU)
    assert main(["report", "cpu", "--baseline", "none", "--format", "html", "--output", "cpu.html"]) == ExitCode.PASS
    assert "it has none of these cases on this hardware" in Path("cpu.html").read_text("utf-8")
