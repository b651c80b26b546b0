from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import read_baseline
from perfkit.record.facts import BuildFacts
from tests.support import CPU, case, slowed, usual_times, write_run

HURT = case("trt-int8")
FILE = Path("results/baselines/made-up-gpu-x1-80gib.json")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Ana\n\temail = ana@example.invalid\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))


@pytest.fixture
def _promoted() -> None:
    runs = [str(write_run(Path("first"), day=day)) for day in (1, 2, 3)]
    assert main(["promote", *runs, "--reason", "first week"]) == ExitCode.PASS


@pytest.fixture
def _regression_accepted(_promoted: None, capsys: pytest.CaptureFixture[str]) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "results"], check=True)
    subprocess.run([*git, "commit", "-qm", "baseline"], check=True)
    run = str(write_run(Path("later"), slowed(usual_times(), HURT, 1.08), day=4))
    assert main(["promote", run, "--force", "--reason", "known loss"]) == ExitCode.PASS
    capsys.readouterr()


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


@pytest.mark.usefixtures("_regression_accepted")
def test_show_has_levels_anchors_and_where_they_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "show"]) == ExitCode.PASS
    lines = shown(capsys).splitlines()
    assert lines[:2] == [str(FILE), "Made Up GPU x1, 80 GiB, compute capability 9.0"]
    (row,) = [line.split() for line in lines if line.startswith(str(HURT))]
    assert row[:3] == [str(HURT), "1", "2030-01-04"]
    assert row[3] == "4.62x"
    assert row[6] == "2030-01-03"
    assert row[7].startswith("-7.")
    (row,) = [line.split() for line in lines if line.startswith(str(case()))]
    assert row[1:4] == ["4", "2030-01-04", "4.00x"]
    text = "\n".join(lines)
    assert "first week" in text
    assert "runs: first/0001.json (000000000000), " in text
    assert f"accepted: {HURT} is REGRESSED" in text


@pytest.mark.usefixtures("_promoted")
def test_show_takes_a_glob_a_name_and_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for name in (FILE.stem, str(FILE)):
        assert main(["baseline", "show", name, "--cases", "*/trt-int8/*", "--json"]) == ExitCode.PASS
        told = json.loads(shown(capsys))
        assert {entry["case"].split("/")[1] for entry in told["cases"]} == {"trt-int8"}
        assert told["changes"][0]["reason"] == "first week"
        assert told["cases"][0]["metrics"]["device speedup"] == pytest.approx(5, rel=0.01)
        assert told["cases"][0]["anchor"]["replicates"] == 3
    assert main(["baseline", "show", "--cases", "vgg*"]) == ExitCode.USAGE
    assert "no case fits 'vgg*'" in capsys.readouterr().err


@pytest.mark.usefixtures("_promoted")
@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_narrow_terminal_gets_paragraphs(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", str(width))
    for command in (["show"], ["list"]):
        assert main(["baseline", *command]) == ExitCode.PASS
        text = shown(capsys)
        assert max(map(len, text.splitlines())) <= width
        assert "\x1b" not in text


def test_without_a_baseline_the_next_step_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "list"]) == ExitCode.PASS
    assert shown(capsys) == "0 baselines\n"
    assert main(["baseline", "show"]) == ExitCode.USAGE
    assert "perfkit promote makes one" in capsys.readouterr().err
    assert main(["baseline", "show", "nothing"]) == ExitCode.USAGE
    assert "nothing: cannot be read" in capsys.readouterr().err


@pytest.mark.usefixtures("_promoted")
def test_list_has_every_hardware(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", str(write_run(Path("cpu"), day=4, hardware=CPU))]) == ExitCode.PASS
    capsys.readouterr()
    assert main(["baseline", "list"]) == ExitCode.PASS
    lines = shown(capsys).splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["made-up-cpu-x2-24gib", FILE.stem]
    assert lines[-1] == "2 baselines"
    assert main(["baseline", "list", "--json"]) == ExitCode.PASS
    told = json.loads(shown(capsys))
    assert [(entry["cases"], entry["replicates"], entry["newest"][:10]) for entry in told] == [
        (12, 1, "2030-01-04"),
        (12, 3, "2030-01-03"),
    ]
    assert main(["baseline", "show"]) == ExitCode.USAGE
    assert f"name one of made-up-cpu-x2-24gib, {FILE.stem}" in capsys.readouterr().err


@pytest.mark.usefixtures("_regression_accepted")
def test_diff_is_what_a_review_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "diff"]) == ExitCode.PASS
    lines = shown(capsys).splitlines()
    assert lines[0] == f"git:HEAD:{FILE} → {FILE}"
    (row,) = [line for line in lines if line.startswith(str(HURT))]
    assert "changed  3 → 1       5.00x → 4.62x" in row
    text = "\n".join(lines)
    assert "known loss" in text
    assert "first week" not in text
    assert main(["baseline", "diff", "--json"]) == ExitCode.PASS
    told = json.loads(shown(capsys))
    (hurt,) = [entry for entry in told["cases"] if entry["case"] == str(HURT)]
    assert hurt["faster_pct"] == pytest.approx(-7.4, abs=0.3)
    assert [change["reason"] for change in told["changes"]] == ["known loss"]


@pytest.mark.usefixtures("_promoted")
def test_diff_between_files_tells_what_was_added_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("before.json").write_bytes(FILE.read_bytes())
    assert main(["baseline", "prune", "--cases", "*/trt-int8/*", "--reason", "gone"]) == ExitCode.PASS
    capsys.readouterr()
    assert main(["baseline", "diff", "before.json"]) == ExitCode.PASS
    assert shown(capsys).count("  removed  3 → 0") == 4
    assert main(["baseline", "diff", str(FILE), "before.json"]) == ExitCode.PASS
    assert shown(capsys).count("  added  0 → 3") == 4
    assert main(["baseline", "diff", "before.json", "before.json"]) == ExitCode.PASS
    assert "no case differs" in shown(capsys)
    assert main(["baseline", "diff", "git:HEAD"]) == ExitCode.USAGE
    other = str(write_run(Path("cpu"), day=4, hardware=CPU))
    assert main(["baseline", "diff", other]) == ExitCode.USAGE
    assert "different hardware" in capsys.readouterr().err


@pytest.mark.usefixtures("_promoted")
def test_prune_removes_cases_by_name_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "prune", "--cases", str(HURT)]) == ExitCode.USAGE
    assert "say why with --reason" in capsys.readouterr().err
    assert main(["baseline", "prune", "--cases", str(HURT), "--reason", "no longer shipped"]) == ExitCode.PASS
    assert shown(capsys) == f"{HURT}  removed\n{FILE}: 36 samples → 33, 3 replicates left\n"
    left = read_baseline(FILE)
    assert HURT not in {sample.case for replicate in left.replicates for sample in replicate.samples}
    assert HURT not in {anchor.case for anchor in left.anchors}
    assert (left.changes[-1].action, left.changes[-1].reason) == ("prune", "no longer shipped")
    run = write_run(Path("next"), {c: t for c, t in usual_times().items() if c != HURT}, day=9)
    assert main(["compare", "auto", str(run)]) == ExitCode.PASS


@pytest.mark.usefixtures("_regression_accepted")
def test_prune_keeps_the_newest_replicates_and_all_anchors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["baseline", "prune", "--keep", "2", "--json"]) == ExitCode.PASS
    assert json.loads(shown(capsys))["samples"] == [45, 23]
    left = read_baseline(FILE)
    dates = {
        which: [r.datetime[8:10] for r in left.replicates if which in {s.case for s in r.samples}]
        for which in (HURT, case())
    }
    assert dates == {HURT: ["04"], case(): ["03", "04"]}
    assert len(left.anchors) == 12
    assert {anchor.replicates for anchor in left.anchors} == {3}
    assert [change.reason for change in left.changes] == ["first week", "known loss", ""]
    before = FILE.read_bytes()
    assert main(["baseline", "prune", "--keep", "2"]) == ExitCode.PASS
    assert FILE.read_bytes() == before


@pytest.mark.usefixtures("_promoted")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --cases GLOB or --keep N"),
        (["--cases", "vgg*", "--reason", "r"], "no case fits 'vgg*'"),
        (["--cases", "*", "--reason", "r"], "nothing would be left; remove the file instead"),
        (["--keep", "0"], "Invalid value for '--keep'"),
    ],
)
def test_prune_that_makes_no_sense_changes_nothing(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = FILE.read_bytes()
    assert main(["baseline", "prune", *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err
    assert FILE.read_bytes() == before


@pytest.mark.usefixtures("_promoted")
def test_changes_whose_runs_are_gone_go_with_them_unless_something_was_accepted() -> None:
    slower = {which: (1.3 * r, 1.3 * v) for which, (r, v) in usual_times().items()}
    assert main(["promote", str(write_run(Path("slow"), slower, day=4)), "--reason", "a hot day"]) == ExitCode.PASS
    assert main(["promote", str(write_run(Path("usual"), day=5)), "--reason", "cooled down"]) == ExitCode.PASS
    for day in (6, 7, 8):
        assert main(["promote", str(write_run(Path("more"), day=day)), "--reason", f"night {day}"]) == ExitCode.PASS
    assert main(["baseline", "prune", "--keep", "2"]) == ExitCode.PASS
    assert [change.reason for change in read_baseline(FILE).changes] == [
        "a hot day",
        "cooled down",
        "night 7",
        "night 8",
        "",
    ]


def two_replicates(older: str, newer: str) -> list[str]:
    """Of an evening, of which the newer was built worse; their dates as they are written."""
    good, bad = (BuildFacts(build_s=1, engines=1, layers=layers, fallback_ops=0) for layers in (56, 217))
    paths = []
    for day, date, facts in ((8, older, good), (9, newer, bad)):
        path = write_run(Path("evening"), day=day, facts=facts)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"datetime": date}))
        paths.append(str(path))
    return paths


@pytest.mark.parametrize("older", ["2030-01-08T21:30:00+00:00", "2030-01-08T23:30:00+02:00", "2030-01-08T21:30:00"])
@pytest.mark.usefixtures("_promoted")
def test_replicates_are_in_the_order_of_their_moments(older: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the zone that their dates are written in: the newest tells what is built, is told and is kept."""
    newer = "2030-01-08T22:00:00+00:00"
    paths = two_replicates(older, newer)
    capsys.readouterr()
    assert main(["compare", "auto", "evening", "--json"]) == ExitCode.FAIL
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["verdict"] for row in rows} == {"REGRESSED"}, "built worse"
    assert main(["report", "evening", "--format", "openmetrics"]) == ExitCode.PASS
    assert "perfkit_run_timestamp_seconds 1894140000.0\n" in capsys.readouterr().out
    FILE.unlink()
    assert main(["promote", *paths, "--reason", "first"]) == ExitCode.PASS
    assert [run.datetime for run in read_baseline(FILE).changes[-1].runs] == [older, newer]
    capsys.readouterr()
    assert main(["baseline", "list", "--json"]) == ExitCode.PASS
    assert json.loads(capsys.readouterr().out)[0]["newest"] == newer
    assert main(["baseline", "prune", "--keep", "1"]) == ExitCode.PASS
    assert [replicate.datetime for replicate in read_baseline(FILE).replicates] == [newer]
