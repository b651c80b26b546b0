"""Faults of stored files, from real life; the inputs' names are those of the case list."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.verdict import Judgement, RefusalKind, Verdict
from perfkit.record.baseline import load_baseline, read_baseline
from perfkit.record.hardware import file_key
from perfkit.record.read import read_runs, run_from_json
from perfkit.report import json_, markdown, terminal
from perfkit.report.exporter import Report
from tests.support import INPUTS, verdicts

if TYPE_CHECKING:
    from pathlib import Path


def judged(base: Path, run: Path) -> Judgement:
    return judge(read_baseline(base), read_runs(run))


@pytest.mark.case("A01")
def test_a01_a_run_is_never_compared_with_a_copy_of_itself() -> None:
    first, second = sorted((INPUTS / "A01" / "results").iterdir())
    judgement = judged(first, second)
    assert judgement.exit_code is ExitCode.NOT_JUDGED
    assert judgement.refusal is not None
    assert judgement.refusal.kind is RefusalKind.SAME_RUN
    assert "both are the same run" in judgement.refusal.text
    assert "(2026-10-01T02:14:09.120331+00:00), commit and samples" in judgement.refusal.text
    assert judgement.rows == ()


@pytest.mark.case("A01")
def test_a01_a_copy_is_no_second_replicate() -> None:
    both = INPUTS / "A01" / "results"
    assert len(read_baseline(both).replicates) == 1
    as_run = judge(read_baseline(INPUTS / "A03" / "baseline"), read_runs(both))
    assert as_run.run.replicates == 1
    (latency,) = as_run.rows[0].metrics
    assert latency.current_replicates == 1


@pytest.mark.case("A03")
def test_a03_clock_reading_node_and_kernel_are_not_the_hardware() -> None:
    judgement = judged(INPUTS / "A03" / "baseline", INPUTS / "A03" / "current")
    assert set(verdicts(judgement).values()) == {Verdict.PASS}
    assert sum(row.compared for row in judgement.rows) == 3
    assert judgement.exit_code is ExitCode.PASS
    assert [suspect.what for suspect in judgement.suspects] == ["kernel"]
    keys = {file_key(run.hardware) for side in ("baseline", "current") for run in read_runs(INPUTS / "A03" / side)}
    assert keys == {"nvidia-h100-80gb-hbm3-x1-80gib"}


@pytest.mark.case("A05")
def test_a05_a_first_run_says_that_nothing_was_compared(tmp_path: Path) -> None:
    runs = read_runs(INPUTS / "A05" / "current")
    baseline = load_baseline("auto", hardware=runs[0].hardware, results=tmp_path)
    judgement = judge(baseline, runs)
    assert set(verdicts(judgement).values()) == {Verdict.NEW}
    assert judgement.exit_code is ExitCode.NOT_JUDGED
    for report in (
        terminal.render(judgement, width=400, color=False),
        markdown.export(Report(judgement)).decode(),
        json_.export(Report(judgement)).decode(),
    ):
        assert "no baseline for this hardware (NVIDIA H100 80GB HBM3 x1, 80 GiB" in report
        assert "promote one with: perfkit promote " in report
        assert "0 compared against no baseline of 3 cases" in report
    assert list(tmp_path.iterdir()) == []


@pytest.mark.case("A09")
def test_a09_every_unreadable_file_is_named_and_no_older_one_takes_its_place() -> None:
    results = INPUTS / "A09" / "results"
    with pytest.raises(UserError) as error:
        read_runs(results)
    message = str(error.value)
    assert re.search(r"0003_\w+\.json: not whole JSON, line 124 column 14 \(byte 3003\)", message)
    assert re.search(r"0004_\w+\.json: empty", message)
    assert "0001_" not in message
    assert "0002_" not in message
    assert "\n" not in message


@pytest.mark.case("A10")
@pytest.mark.parametrize("turned_round", [False, True])
def test_a10_a_duplicate_is_broken_whichever_comes_first(turned_round: bool) -> None:
    (file,) = (INPUTS / "A10" / "current").iterdir()
    data = json.loads(file.read_text())
    if turned_round:
        data["benchmarks"].reverse()
    runs = [run_from_json(data, "current")]
    judgement = judge(read_baseline(INPUTS / "A10" / "baseline"), runs)
    assert verdicts(judgement) == {
        "trt-fp16": Verdict.BROKEN,
        "eager-fp32": Verdict.PASS,
        "trt-int8": Verdict.PASS,
    }
    assert "stands 2 times" in judgement.rows[0].reason
    assert judgement.exit_code is ExitCode.FAIL
    assert markdown.export(Report(judgement)).decode().count("trt-fp16/") == 1


@pytest.mark.case("A11")
@pytest.mark.case("A13")
@pytest.mark.parametrize(
    ("name", "reason"),
    [("A11", "time is not positive (0 s)"), ("A13", "time is negative (-1 s)")],
)
def test_a11_a13_what_is_no_time_is_broken(name: str, reason: str) -> None:
    judgement = judged(INPUTS / name / "baseline", INPUTS / name / "current")
    assert verdicts(judgement) == {
        "trt-int8": Verdict.BROKEN,
        "eager-fp32": Verdict.PASS,
        "trt-fp16": Verdict.PASS,
    }
    assert reason in judgement.rows[0].reason
    assert judgement.exit_code is ExitCode.FAIL
    report = json_.export(Report(judgement)).decode()
    json.loads(report, parse_constant=pytest.fail)
    assert "inf" not in terminal.render(judgement, width=160, color=False)


@pytest.fixture
def odd_names(tmp_path: Path) -> Path:
    """A14 with nothing to identify a case by but its odd full name."""
    for side in ("baseline", "current"):
        (file,) = (INPUTS / "A14" / side).iterdir()
        data = json.loads(file.read_text())
        for benchmark in data["benchmarks"]:
            benchmark["extra_info"] = {}
        (tmp_path / side).mkdir()
        (tmp_path / side / "run.json").write_text(json.dumps(data))
    return tmp_path


@pytest.mark.case("A14")
def test_a14_all_nine_are_matched() -> None:
    judgement = judged(INPUTS / "A14" / "baseline", INPUTS / "A14" / "current")
    assert judgement.counts == {Verdict.PASS: 9}
    assert judgement.exit_code is ExitCode.PASS


@pytest.mark.case("A14")
def test_a14_odd_names_are_matched_and_break_no_report(odd_names: Path) -> None:
    judgement = judged(odd_names / "baseline", odd_names / "current")
    assert judgement.counts == {Verdict.PASS: 9}
    report = markdown.export(Report(judgement)).decode()
    table = [line for line in report.splitlines() if line.startswith("|")]
    assert len(table) == 11
    assert {line.count("|") for line in table} == {table[0].count("|")}
    assert "<img" not in report
    assert "`" not in report
    for width in (160, 60):
        shown = terminal.render(judgement, width=width, color=False)
        assert max(map(len, shown.splitlines())) <= width


@pytest.mark.case("A14")
def test_a14_names_cut_for_display_stay_distinct(odd_names: Path) -> None:
    file = odd_names / "current" / "run.json"
    data = json.loads(file.read_text())
    (long,) = [b for b in data["benchmarks"] if len(b["fullname"]) > 250]
    twin = json.loads(json.dumps(long))
    middle = len(long["fullname"]) // 2
    twin["fullname"] = f"{long['fullname'][:middle]}y{long['fullname'][middle + 1 :]}"
    data["benchmarks"].append(twin)
    judgement = judge(None, [run_from_json(data, "run")])
    report = markdown.export(Report(judgement)).decode()
    cells = [line.split("|")[1] for line in report.splitlines() if line.startswith("| bench")]
    assert len(cells) == len(set(cells)) == 10
