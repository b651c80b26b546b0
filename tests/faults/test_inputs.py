"""Files that nobody should have written: impossible numbers, ten thousand cases, names of five thousand characters."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfkit.catalog.case import CaseId
from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.journal_file import line_of
from tests.damage import set_times
from tests.support import benchmark_of, case, edit_records, run_data, usual_times, write_run

LONG = "x" * 5000
COMMANDS = [
    ["compare", "none", "RUN"],
    ["report", "RUN", "--format", "json"],
    ["report", "RUN", "--format", "markdown"],
    ["report", "RUN", "--format", "junit"],
    ["promote", "RUN"],
]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFKIT_HISTORY", "none")


def written(data: object) -> str:
    Path("run.json").write_text(json.dumps(data))
    return "run.json"


def no_files() -> list[str]:
    return sorted(str(path) for path in Path("results").rglob("*")) if Path("results").exists() else []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 0.0, -1e-3, 1e300])
def test_impossible_times_break_their_case_and_no_other(value: float, capsys: pytest.CaptureFixture[str]) -> None:
    data, which = run_data(), case("trt-int8")
    set_times(data, which, lambda _: value)
    assert main(["compare", "none", written(data), "--format", "json"]) == ExitCode.FAIL
    rows = json.loads(capsys.readouterr().out)["rows"]
    broken = [CaseId(row["model"], row["variant"], row["shape"]) for row in rows if row["verdict"] == "BROKEN"]
    assert broken == [which]
    assert len(rows) == len(usual_times())
    assert main(["promote", "run.json"]) == ExitCode.FAIL
    assert no_files() in ([], ["results/baselines"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command[0]}-{command[-1]}")
def test_names_of_five_thousand_characters(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    times = {CaseId(LONG, variant, "1x3x224x224"): (4e-3, 2e-3) for variant in ("eager-fp32", LONG)}
    path = write_run(Path("runs"), times)
    code = main([argument.replace("RUN", str(path)) for argument in command])
    assert code in (ExitCode.PASS, ExitCode.NOT_JUDGED), capsys.readouterr().err


def test_a_name_isnt_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    """Of hardware, which a baseline is named by, and of cases."""
    evil = "../../../etc/passwd\x00"
    times = {CaseId(evil, variant, "1x3x224x224"): (4e-3, 2e-3) for variant in ("eager-fp32", "trt-int8")}
    data = run_data(times)
    data["perfkit"]["hardware"]["name"] = evil
    assert main(["promote", written(data)]) == ExitCode.PASS, capsys.readouterr().err
    found = sorted(str(path) for path in Path().rglob("*.json"))
    assert len(found) == 2
    assert all(name.startswith(("run.json", "results/baselines/")) for name in found)


def test_ten_thousand_cases(capsys: pytest.CaptureFixture[str]) -> None:
    """Of three rounds each: with a night's rounds it would be a file that is larger than a record may be."""
    times = {CaseId("model_x", variant, "1x3x224x224"): (4e-3, 2e-3) for variant in ("eager-fp32", "trt-fp16")}
    data = run_data(times, rounds=3)
    for holder, key in ((data, "benchmarks"), (data["perfkit"], "outcomes")):
        text = json.dumps(holder[key])
        holder[key] = [each for index in range(5000) for each in json.loads(text.replace("model_x", f"model_{index}"))]
    assert main(["compare", "none", written(data), "--format", "json"]) == ExitCode.NOT_JUDGED
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 10_000


def test_a_file_that_is_too_large_is_refused_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("run.json").open("wb") as file:
        file.truncate(51 * 2**20)
    assert main(["compare", "none", "run.json"]) == ExitCode.USAGE
    with Path("run.journal").open("wb") as file:
        file.truncate(51 * 2**20)
    Path("run.journal").rename("replicate-1.journal")
    assert main(["compare", "none", "replicate-1.journal"]) == ExitCode.USAGE
    for line in capsys.readouterr().err.splitlines():
        assert "larger than 50 MiB" in line


@pytest.mark.parametrize("depth", [1000, 200_000])
def test_endless_depth_is_refused_in_a_line(depth: int, capsys: pytest.CaptureFixture[str]) -> None:
    Path("run.json").write_text("[" * depth)
    assert main(["compare", "none", "run.json"]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("perfkit: run.json: ")


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "session"},
        {"kind": "session", "skeleton": {}, "run": {}, "tests": []},
        {"kind": "of another version"},
        {"kind": "ended", "test": "x", "entry": {"stats": "no"}},
    ],
)
def test_a_journal_of_somebody_elses_is_refused_in_a_line(
    record: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("replicate-1.journal").write_bytes(line_of(record))
    assert main(["compare", "none", "replicate-1.journal"]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("perfkit: replicate-1.journal: holds no session")


def test_one_damaged_entry_says_which_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    path = edit_records(write_run(Path("runs")), lambda record: record["rounds"].pop("order"), case("trt-int8"))
    assert benchmark_of(json.loads(path.read_text()), case("trt-int8"))
    assert main(["compare", "none", str(path)]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert "extra_info.perfkit.rounds.order: Field required" in line
