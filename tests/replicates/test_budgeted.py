"""``perfkit run --budget`` drops further replicates, says which, and keeps every first one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.judge.limits import Limits
from perfkit.judge.verdict import Row, Verdict
from perfkit.record.journal_file import read_journal_lines
from perfkit.record.read import read_run
from perfkit.replicates.budgeted import Budget
from tests.faults.runs import command, instant_project, replicate, run, run_folder
from tests.support import benchmark_of, run_data, usual_times

if TYPE_CHECKING:
    from pathlib import Path

HOURS = "time_budget_s = 400.0"
"""Of a case that no record knows, so that what the test itself takes is nothing beside it."""
WHY = "dropped to stay within --budget 2600s"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Six cases, which are estimated at 500 s each."""
    folder = instant_project(tmp_path)
    path = folder / "perfkit.toml"
    path.write_text(path.read_text().replace("time_budget_s = 0.01", HOURS))
    return folder


def test_what_doesnt_fit_is_dropped_and_named(project: Path) -> None:
    """In the terminal, in the replicate's record, and in the run's own journal."""
    after = run(project, command("--budget=2600s", replicates=2))
    assert after.code == ExitCode.NOT_JUDGED, after.err
    told = [line for line in after.err.splitlines() if line.startswith("perfkit: --budget")]
    assert told[0].startswith("perfkit: --budget 2600s: 43 min left, and replicate 2 would take 48 min")
    assert told[1:] == ["perfkit: --budget 2600s: replicate 2 is without one/eager-fp32/1x3x64x64"]
    where = run_folder(project)
    assert len(replicate(where)["benchmarks"]) == 6
    second = replicate(where, "replicate-2.json")
    assert len(second["benchmarks"]) == 5
    assert second["perfkit"]["incomplete"] is None
    left_out = [each for each in second["perfkit"]["outcomes"] if each["status"] != "measured"]
    assert [(each["variant"], each["status"], each["reason"]) for each in left_out] == [("eager-fp32", "not_run", WHY)]
    *_, verdicts = (line for line in read_journal_lines(where / "run.journal") if line is not None)
    assert verdicts["dropped"] == {"replicate-2": ["one/eager-fp32/1x3x64x64"]}


def test_the_first_replicate_is_measured_whatever_it_takes(project: Path) -> None:
    after = run(project, command("--budget=0.01s", replicates=2))
    assert "perfkit: --budget 0.01s: replicate 2 is dropped whole" in after.err
    assert len(replicate(project)["benchmarks"]) == 6


@pytest.mark.parametrize(("budget", "told"), [("120", "120 has no unit"), ("soon", "'soon' is no duration")])
def test_wrong_usage_measures_nothing(
    tmp_path: Path, budget: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from perfkit.cli import main

    assert main(["run", f"--results={tmp_path}", f"--budget={budget}"]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"perfkit: --budget: {told}")
    assert list(tmp_path.iterdir()) == []


def test_of_the_cases_in_doubt_those_that_regressed_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many as fit, the short ones before the long; the others are named."""
    monkeypatch.chdir(tmp_path)
    cases = list(usual_times())[:3]
    data = run_data(rounds=5)
    for which, rounds_s in zip(cases, (100.0, 10.0, 20.0), strict=True):
        benchmark_of(data, which)["extra_info"]["perfkit"]["rounds_s"] = rounds_s
    path = tmp_path / "replicate-1.json"
    path.write_text(json.dumps(data))
    verdicts = (Verdict.REGRESSED, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)
    rows = [Row(**each._asdict(), verdict=verdict) for each, verdict in zip(cases, verdicts, strict=True)]
    runs = [read_run(path)]
    assert Budget("1h", Limits()).fitting("repeat-1", rows, runs) == sorted(cases)
    assert capsys.readouterr().err == ""
    budget = Budget("170s", Limits())
    assert budget.fitting("repeat-1", rows, runs) == sorted(cases[:2])
    assert budget.dropped == {"repeat-1": [cases[2]]}
    assert capsys.readouterr().err == f"perfkit: --budget 170s: 170 s left: not measured again: {cases[2]}\n"
    assert Budget("1s", Limits()).fitting("repeat-1", rows, runs) == []
