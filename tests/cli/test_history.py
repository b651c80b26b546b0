"""``perfkit history`` and ``perfkit history add``, on both databases."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.report.history import COLUMNS
from perfkit.report.history_table import sparkline
from perfkit.report.text import cell_width
from tests.support import case, edit_records, slowed, usual_times, write_run

if TYPE_CHECKING:
    from pathlib import Path

CASE = str(case("trt-int8"))


@pytest.fixture
def kept(tmp_path: Path, history_url: str, capsys: pytest.CaptureFixture[str]) -> Path:
    """Thirty nights in the history; after the twentieth one case is slower by a tenth."""
    assert history_url
    for day in range(1, 31):
        write_run(
            tmp_path / "runs", usual_times() if day <= 20 else slowed(usual_times(), case("trt-int8"), 1.1), day=day
        )
    assert main(["history", "add", str(tmp_path / "runs")]) == ExitCode.PASS
    capsys.readouterr()
    return tmp_path


@pytest.mark.usefixtures("kept")
def test_one_case_is_a_sparkline_and_a_row_a_replicate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["history", CASE]) == ExitCode.PASS
    head, line, headings, *rows = capsys.readouterr().out.splitlines()
    assert head == f"{CASE}, device speedup, on Made Up GPU x1, 80 GiB, compute capability 9.0"
    low, bars, high = line.split()
    assert (low[:3], high[:3]) == ("4.5", "5.0")
    assert len(bars) == 30
    assert min(bars[:20]) >= "▅"
    assert max(bars[20:]) <= "▂"
    assert headings.split() == ["date", "commit", "device", "speedup", "±", "verdict"]
    assert rows[0].split()[:3] == ["2030-01-01", "02:14", "000000000000"]
    assert rows[0].split()[-1] == "-"
    assert len(rows) == 30
    assert main(["history", CASE, "--metric", "layers", "--since", "2030-01-28"]) == ExitCode.PASS
    assert [row.split()[3] for row in capsys.readouterr().out.splitlines()[3:]] == ["56"] * 3


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("width", ["200", "60"])
def test_several_cases_are_a_line_each(
    width: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    assert main(["history", "resnet50/*/1x3x224x224", "--metric=wall time"]) == ExitCode.PASS
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= int(width) for line in lines)
    assert lines[-1].startswith("hardware: Made Up GPU x1, 80 GiB")
    if width == "200":
        assert [line.split()[0] for line in lines[1:-1]] == [
            f"resnet50/{variant}/1x3x224x224" for variant in ("eager-fp32", "trt-fp16", "trt-int8")
        ]


@pytest.mark.usefixtures("kept")
def test_exports_have_the_same_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["history", "resnet50/*", "--since", "2030-01-20"]
    assert main([*asked, "--csv"]) == ExitCode.PASS
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 6 * 11
    assert main([*asked, "--json"]) == ExitCode.PASS
    whole = json.loads(capsys.readouterr().out)
    assert (whole["kind"], whole["schema_version"]) == ("perfkit-history", 1)
    flat = [
        {name: series[name] for name in ("model", "variant", "shape", "metric", "hardware")} | point
        for series in whole["series"]
        for point in series["points"]
    ]
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in flat] == rows
    parquet = pytest.importorskip("pyarrow.parquet")
    assert main([*asked, "--parquet", str(tmp_path / "out.parquet")]) == ExitCode.PASS
    table = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [{**row, "date": row["date"].isoformat()} for row in table] == flat
    assert not list(tmp_path.glob(".*"))


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing/*"], "nothing/*: the history has no such case"),
        ([CASE, "--metric", "weight"], "the history has no 'weight' of it; there are: "),
        ([CASE, "--since", "tomorrow"], "--since 'tomorrow': give a date (2026-01-31), days (90d) or weeks (12w)"),
        ([CASE, "--since", "2031-01-01"], "nothing since 2031-01-01; leave out --since to see what there is"),
        ([CASE, "--csv", "--json"], "--csv, --json and --parquet: one of them at a time"),
        ([CASE, "--parquet", "nowhere/out.parquet"], "nowhere/out.parquet: cannot be written: "),
        (["show"], "Missing argument"),
        (["add"], "Missing argument"),
        ([], "Missing"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", *arguments]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert shown.err.count("\n") == 1


def test_libraries_that_are_missing_are_named(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "ruptures", None)
    for arguments in (["history", CASE, "--parquet", str(kept / "out")], ["trends"]):
        assert main(arguments) == ExitCode.USAGE
        assert "pip install 'perfkit[history]'" in capsys.readouterr().err


def test_adding_again_adds_nothing_and_what_cant_be_read_is_named(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = kept / "more"
    write_run(more, day=4)
    write_run(more, day=31)
    write_run(more / "faulty", day=30, injected="resnet50/trt-int8/1x3x224x224=slow:10%")
    (more / "cut.json").write_text('{"version": ')
    given = [str(more), str(more / "faulty" / "0030.json"), str(kept / "nowhere.json")]
    assert main(["history", "add", *given]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out.startswith("1 added to ")
    assert shown.out.endswith(", 1 known already\n")
    assert shown.err.startswith("perfkit: 3 not added: ")
    for fault in (
        "cut.json: not whole JSON",
        "0030.json: has faults put in on purpose",
        "nowhere.json: cannot be read",
    ):
        assert fault in shown.err
    assert main(["history", "add", str(more / "0031.json"), "--json"]) == ExitCode.PASS
    told = json.loads(capsys.readouterr().out)
    assert (told["added"], told["known"], told["not_added"]) == (0, 1, [])


@pytest.mark.usefixtures("kept")
def test_trends_tell_the_step_its_commits_and_the_way_to_bisect_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["trends"]) == ExitCode.PASS
    headings, row, summary, hint = capsys.readouterr().out.splitlines()
    assert headings.split() == ["date", "case", "metric", "change", "commits", "what", "changed", "there"]
    assert row.split()[:4] == ["2030-01-21", "▼", "step", CASE]
    assert "-9." in row
    assert "000000000000..000000000000" in row
    assert summary == "1 change, 1 for the worse"
    assert hint.startswith(f"which commit it was: perfkit bisect {CASE} ")
    assert main(["trends", "--json"]) == ExitCode.PASS
    whole = json.loads(capsys.readouterr().out)
    (trend,) = whole["trends"]
    assert (whole["kind"], trend["kind"], trend["worse"]) == ("perfkit-trends", "step", True)
    assert (trend["before"], trend["date"]) == ("2030-01-20", "2030-01-21")
    assert (int(trend["good"], 16), int(trend["bad"], 16)) == (20, 21)
    assert trend["change_pct"] == pytest.approx(-9.1, abs=0.5)
    assert trend["software"] == []


@pytest.mark.usefixtures("kept")
def test_trends_of_some_cases_some_metrics_and_some_time(capsys: pytest.CaptureFixture[str]) -> None:
    def found(*arguments: str) -> list[tuple[str, bool]]:
        assert main(["trends", "--json", *arguments]) == ExitCode.PASS
        return [(t["metric"], t["worse"]) for t in json.loads(capsys.readouterr().out)["trends"]]

    assert found("--cases", "mobilenet_v2/*") == []
    assert found("--metric", "wall time") == [("wall time", True)]
    assert found("--metric", "engines") == []
    assert found("--since", "2030-01-21") == []
    assert main(["trends", "--cases", "mobilenet_v2/*"]) == ExitCode.PASS
    assert capsys.readouterr().out == "no series changed its level or drifted\n"
    assert main(["trends", "--cases", "nothing"]) == ExitCode.USAGE


def test_a_users_metric_has_its_nights_its_step_and_its_direction(
    tmp_path: Path, history_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rise of what should be low is for the worse; unit and direction are in every export, by the metric's name."""
    assert history_url
    for day in range(1, 21):
        value = 2.5 if day <= 10 else 3.0
        metric = {"value": value + day / 1e4, "unit": "J/img", "better": "lower", "tolerance": 0.1}
        path = write_run(tmp_path / "runs", {case("trt-int8"): (4e-3, 1e-3)}, day=day)
        edit_records(path, lambda record, told=metric: record.update(custom_metrics={"energy": told}))  # type: ignore[misc]
    assert main(["history", "add", str(tmp_path / "runs")]) == ExitCode.PASS
    capsys.readouterr()
    assert main(["history", CASE, "--metric", "energy"]) == ExitCode.PASS
    head, line, *_ = capsys.readouterr().out.splitlines()
    assert head.startswith(f"{CASE}, energy [J/img, lower is better], on Made Up GPU")
    assert line.startswith("2.5001 J/img ")
    assert line.endswith(" 3.002 J/img")
    assert main(["history", CASE, "--metric", "energy", "--csv"]) == ExitCode.PASS
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["metric"] for row in rows] == ["energy [J/img, lower is better]"] * 20
    assert [float(row["value"]) for row in rows[:2]] == [2.5001, 2.5002]
    assert main(["trends", "--metric", "energy", "--json"]) == ExitCode.PASS
    (found,) = json.loads(capsys.readouterr().out)["trends"]
    assert (found["kind"], found["metric"], found["worse"]) == ("step", "energy [J/img, lower is better]", True)
    assert found["change_pct"] == pytest.approx(20, abs=0.5)
    assert main(["trends"]) == ExitCode.PASS
    assert "no series changed" in capsys.readouterr().out, "it decides nothing"


def test_what_changed_together_is_one_row_with_its_software(
    tmp_path: Path, history_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that makes everything but the references slower, and later a slow loss of one case."""
    assert history_url
    monkeypatch.setenv("COLUMNS", "200")
    runs = tmp_path / "runs"
    for day in range(1, 31):
        driver = "580.1" if day < 16 else "590.2"
        factor = 1.0 if day < 16 else 1.08
        times = {
            each: (reference_s, variant_s if each.variant == "eager-fp32" else variant_s * factor)
            for each, (reference_s, variant_s) in usual_times().items()
        }
        path = write_run(runs, times, day=day, software={"torch": "2.11.0", "driver": driver})
        if day == 16:
            data = json.loads(path.read_text())
            data["commit_info"]["dirty"] = True
            path.write_text(json.dumps(data))
    assert main(["history", "add", str(runs)]) == ExitCode.PASS
    capsys.readouterr()
    assert main(["trends"]) == ExitCode.PASS
    _, row, summary = capsys.readouterr().out.splitlines()  # and no hint: what is dirty can't be checked out
    assert row.startswith("2030-01-16  ▼ step")
    assert "000000000000..000000000000+dirty" in row
    assert "and 7 more" in row
    assert "driver 580.1 -> 590.2" in row
    assert summary == "8 changes, 8 for the worse"


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("asked", [["trends"], ["history", CASE], ["history", "*"]], ids=lambda asked: asked[-1])
def test_a_narrow_terminal_gets_paragraphs(
    asked: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "46")
    assert main(asked) == ExitCode.PASS
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_width, lines)) <= 46
    # Whole words, not columns of two letters.
    assert any("device speedup" in line for line in lines)
    assert any(CASE in line for line in lines)


def test_without_a_history_nothing_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PERFKIT_HISTORY", raising=False)
    for arguments in (["history", CASE], ["trends"]):
        assert main(arguments) == ExitCode.USAGE
        assert "results/history.sqlite: no history yet" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([1.0, 2, 3, 4], 8, "▁▃▆█"),
        ([1.0, 1, 9, 9, 5, 5], 3, "▁█▅"),
        ([7.0, 7], 8, "▄▄"),
        ([3.0], 8, "▄"),
    ],
)
def test_sparklines(values: list[float], width: int, line: str) -> None:
    assert sparkline(values, width) == line


def test_a_run_without_a_date_keeps_no_other_out(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = kept / "more"
    for day in (4, 5, 6):
        path = write_run(more, day=day, jitter=0.004)
        if day == 5:
            path.write_text(json.dumps(json.loads(path.read_text()) | {"datetime": "yesterday"}))
    assert main(["history", "add", str(more)]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out.startswith("2 added to ")
    assert "0005.json: 'yesterday' is no date" in shown.err
