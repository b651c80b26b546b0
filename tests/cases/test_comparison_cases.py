"""Faults of comparing, from real life; the inputs' names are those of the case list."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import FindingKind, Judgement, Moved, Verdict
from perfkit.record.baseline import Baseline, read_baseline
from perfkit.record.read import read_runs
from perfkit.report.exporter import Format, Report, load_exporter
from tests.support import INPUTS, program_environment, verdicts

if TYPE_CHECKING:
    from pathlib import Path


def judged(name: str) -> Judgement:
    return judge(read_baseline(INPUTS / name / "baseline"), read_runs(INPUTS / name / "current"))


def kinds(judgement: Judgement) -> list[FindingKind]:
    return [finding.kind for finding in judgement.findings]


@pytest.mark.case("B01")
def test_b01_int8_slower_than_fp16_is_told_and_fails_nothing() -> None:
    judgement = judged("B01")
    assert set(verdicts(judgement).values()) == {Verdict.PASS}
    assert judgement.exit_code is ExitCode.PASS
    assert kinds(judgement) == [FindingKind.INT8_SLOWER]
    for form in ("terminal", "markdown", "json", "html", "junit", "csv", "github-annotations"):
        report = load_exporter(Format(form))(Report(judgement)).decode()
        assert "int8 takes 2.02x the time of trt-fp16 on this shape" in report, form


@pytest.mark.case("B01")
@pytest.mark.parametrize(("least", "code"), [("1.0x", ExitCode.FAIL), ("0.45x", ExitCode.PASS)])
def test_b01_a_configured_minimum_fails_it(
    least: str, code: ExitCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "perfkit.toml").write_text(f'[judging."*/trt-int8/*"]\nminimum_speed = {{ "trt-fp16" = "{least}" }}\n')
    assert main(["compare", str(INPUTS / "B01" / "baseline"), str(INPUTS / "B01" / "current"), "--json"]) == code
    rows = json.loads(capsys.readouterr().out)["rows"]
    failing = {row["variant"]: row["reason"] for row in rows if row["verdict"] == "REGRESSED"}
    if code is ExitCode.PASS:
        assert not failing
    else:
        assert failing == {"trt-int8": "0.49x the speed of trt-fp16 on this shape, [judging] demands 1x"}


@pytest.mark.case("B13")
def test_b13_a_compile_in_the_first_round_is_told_and_the_median_judges() -> None:
    judgement = judged("B13")
    assert set(verdicts(judgement).values()) == {Verdict.PASS}
    assert judgement.exit_code is ExitCode.PASS
    (row,) = [row for row in judgement.rows if row.variant == "trt-fp16"]
    assert row.notes == ("the first round took 20930x the others' median: warm-up was missing",)
    latency = row.metric(Metric.WALL_TIME)
    assert latency is not None
    assert latency.current == pytest.approx(1.0224e-3, rel=1e-3)


@pytest.mark.case("C01")
def test_c01_a_baseline_that_is_the_outlier_is_reported_once() -> None:
    judgement = judged("C01")
    assert set(verdicts(judgement).values()) == {Verdict.INCONCLUSIVE}
    assert judgement.exit_code is ExitCode.INCONCLUSIVE
    assert kinds(judgement) == [FindingKind.COMMON_SHIFT]
    assert "the baseline is out of line, it rests on one replicate" in judgement.findings[0].text
    (variant,) = [row for row in judgement.rows if row.variant == "trt-fp16"]
    assert variant.moved is Moved.COMMON
    speedup = variant.metric(Metric.WALL_SPEEDUP)
    assert speedup is not None
    assert speedup.verdict is Verdict.PASS


@pytest.mark.case("C07a")
def test_c07a_a_variant_that_died_is_missing() -> None:
    judgement = judged("C07a")
    assert verdicts(judgement) == {
        "trt-int8": Verdict.MISSING,
        "eager-fp32": Verdict.PASS,
        "trt-fp16": Verdict.PASS,
    }
    assert judgement.exit_code is ExitCode.FAIL
    assert "2 compared against" in judgement.summary
    assert "of 3 cases: 1 MISSING, 2 PASS" in judgement.summary


@pytest.mark.case("C08")
def test_c08_a_moved_file_keeps_its_cases() -> None:
    judgement = judged("C08")
    assert verdicts(judgement) == {
        "trt-fp16": Verdict.REGRESSED,
        "eager-fp32": Verdict.PASS,
        "trt-int8": Verdict.PASS,
    }
    latency = judgement.rows[0].metric(Metric.WALL_TIME)
    assert latency is not None
    assert latency.change_pct == pytest.approx(25, abs=1)
    assert judgement.exit_code is ExitCode.FAIL


@pytest.mark.case("C11")
def test_c11_thirty_percent_slower_is_the_one_regression() -> None:
    judgement = judged("C11")
    assert verdicts(judgement) == {
        "trt-fp16": Verdict.REGRESSED,
        "eager-fp32": Verdict.PASS,
        "trt-int8": Verdict.PASS,
    }
    row = judgement.rows[0]
    assert row.moved is Moved.VARIANT
    latency, speedup = row.metric(Metric.WALL_TIME), row.metric(Metric.WALL_SPEEDUP)
    assert latency is not None
    assert latency.change_pct == pytest.approx(30, abs=0.5)
    assert speedup is not None
    assert speedup.baseline == pytest.approx(4.0, abs=0.05)
    assert speedup.current == pytest.approx(3.1, abs=0.05)
    assert judgement.exit_code is ExitCode.FAIL


@pytest.mark.case("C11")
def test_c11_swapped_it_is_the_one_improvement() -> None:
    one_night = min((INPUTS / "C11" / "baseline").iterdir())
    judgement = judge(read_baseline(INPUTS / "C11" / "current"), read_runs(one_night))
    assert verdicts(judgement) == {
        "trt-fp16": Verdict.IMPROVED,
        "eager-fp32": Verdict.PASS,
        "trt-int8": Verdict.PASS,
    }
    assert judgement.exit_code is ExitCode.PASS


@pytest.mark.case("C11")
@pytest.mark.parametrize("left_out", range(4))
def test_c11_each_night_against_the_others_shows_nothing(left_out: int) -> None:
    nights = read_runs(INPUTS / "C11" / "baseline")
    others = tuple(run.replicate for i, run in enumerate(nights) if i != left_out)
    baseline = Baseline("the others", nights[0].hardware, others)
    judgement = judge(baseline, [nights[left_out]])
    assert set(verdicts(judgement).values()) == {Verdict.PASS}


@pytest.mark.case("C16b")
def test_c16b_a_slowdown_of_everything_is_reported_once_with_the_driver() -> None:
    judgement = judged("C16b")
    assert set(verdicts(judgement).values()) == {Verdict.INCONCLUSIVE}
    assert {row.moved for row in judgement.rows} == {Moved.COMMON}
    assert judgement.exit_code is ExitCode.INCONCLUSIVE
    assert kinds(judgement) == [FindingKind.COMMON_SHIFT]
    assert "driver 570.86.15 -> 580.65.06" in judgement.findings[0].text
    assert [suspect.what for suspect in judgement.suspects] == ["driver"]


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    """The folder of C14 beside its input C11, and a perfkit program in ../bin."""
    for name in ("C11", "C14"):
        shutil.copytree(INPUTS / name, tmp_path / name)
    program = tmp_path / "bin" / "perfkit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m perfkit "$@"\n')
    program.chmod(0o755)
    return tmp_path / "C14"


def run_step(workflow: Path) -> subprocess.CompletedProcess[str]:
    environment = program_environment()
    environment["PATH"] = f"{workflow.parent / 'bin'}{os.pathsep}{environment['PATH']}"
    environment["NO_BASELINE_CODE"] = str(int(ExitCode.NOT_JUDGED))
    return subprocess.run(
        ["sh", "check.sh"], cwd=workflow, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.case("C14")
def test_c14_make_can_not_turn_a_regression_into_no_baseline(workflow: Path) -> None:
    done = run_step(workflow)
    assert "1 REGRESSED" in done.stdout
    # make ends with 2 whatever the recipe ended with, so 2 may not be the tolerated code.
    assert done.returncode == 2, done.stderr


@pytest.mark.case("C14")
@pytest.mark.parametrize(
    ("base", "told", "code"),
    [("../C11/baseline", "1 REGRESSED", 1), ("auto", "no baseline, skipped", 0)],
)
def test_c14_the_step_tolerates_no_baseline_only(workflow: Path, base: str, told: str, code: int) -> None:
    step = workflow / "check.sh"
    comparing = f"perfkit compare {base} ../C11/current"
    step.write_text(step.read_text().replace("make bench-check", comparing))
    done = run_step(workflow)
    assert told in done.stdout, done.stderr
    assert done.returncode == code
