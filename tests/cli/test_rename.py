"""A case that is called otherwise from now on keeps its baseline, its anchor and its history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfkit.catalog.case import CaseId
from perfkit.catalog.renaming import Renaming
from perfkit.cli import main
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from tests.cli.promoting import FILE, anchor_s, baseline
from tests.support import Times, case, slowed, usual_times, write_run

OLD, NEW = case("trt-fp16"), case("trt-fp16", model="resnet50_v2")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PERFKIT_HISTORY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def renamed_times(times: Times | None = None) -> Times:
    """The same project after somebody gave its model another name."""
    return {
        each._replace(model=each.model.replace("resnet50", NEW.model)): s
        for each, s in (times or usual_times()).items()
    }


def three_nights() -> None:
    runs = [str(write_run(Path("first"), day=day)) for day in (1, 2, 3)]
    assert main(["promote", *runs]) == ExitCode.PASS


@pytest.mark.case("C08")
def test_c08_without_a_rename_it_fails_and_with_one_the_next_night_is_judged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    three_nights()
    level_s = anchor_s(OLD)
    night = str(write_run(Path("night"), renamed_times(), day=9))
    slower = str(write_run(Path("slower"), renamed_times(slowed(usual_times(), OLD, 1.3)), day=10))
    assert main(["compare", "auto", night]) == ExitCode.FAIL
    shown = capsys.readouterr().out
    assert "6 MISSING, 6 NEW, 6 PASS" in shown
    assert shown.replace("\n", " ").count("renamed to") == 6
    assert main(["baseline", "rename", "resnet50/*/*", f"{NEW.model}/*/*", "--reason", "v2 weights"]) == ExitCode.PASS
    told = capsys.readouterr().out.splitlines()
    assert f"{OLD}  is now {NEW}" in told
    assert len(told) == 6
    assert main(["compare", "auto", night]) == ExitCode.PASS
    assert main(["compare", "auto", slower]) == ExitCode.FAIL
    assert "1 REGRESSED, 11 PASS" in capsys.readouterr().out
    assert anchor_s(NEW) == level_s
    change = baseline().changes[-1]
    assert (change.action, change.cases, change.reason) == (
        "rename",
        f"resnet50/*/* -> {NEW.model}/*/*",
        "v2 weights",
    )
    assert main(["baseline", "show"]) == ExitCode.PASS
    assert "rename of resnet50/*/* -> resnet50_v2/*/* by " in capsys.readouterr().out
    assert main(["baseline", "prune", "--keep", "1"]) == ExitCode.PASS
    assert [change.action for change in baseline().changes] == ["promote", "rename", "prune"]


def test_what_was_promoted_under_the_new_name_already_becomes_the_same_case() -> None:
    three_nights()
    assert main(["promote", str(write_run(Path("night"), renamed_times(), day=4)), "--force", "--reason", "r"]) == 0
    assert main(["baseline", "rename", str(OLD), str(NEW), "--json"]) == ExitCode.PASS
    promoted = baseline()
    assert [sum(s.case == NEW for s in r.samples) for r in promoted.replicates] == [1, 1, 1, 1]
    (anchor,) = [anchor for anchor in promoted.anchors if anchor.case == NEW]
    assert anchor.datetime.startswith("2030-01-03")
    assert all([s.case for s in r.samples] == sorted(s.case for s in r.samples) for r in promoted.replicates)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([str(OLD), str(case("trt-int8"))], f"has measured both {OLD} and {case('trt-int8')}: they are two cases"),
        (["vgg16/*/*", "vgg19/*/*"], "no case is vgg16/*/*; see perfkit baseline show"),
        ([str(OLD), str(OLD)], "both names are the same"),
        ([str(OLD), "*/trt-fp16/*"], "*/trt-fp16/*: a * keeps a part that is a * in "),
        (["resnet50", "resnet50_v2"], "resnet50: is no case; give MODEL/VARIANT/SHAPE, where a * is any"),
        (["resnet50//", "a/b/c"], "resnet50//: is no case"),
        (["resnet50/*/*", "\udcff/*/*"], "is no case; its name has characters that don't show"),
    ],
)
def test_a_renaming_that_makes_no_sense_changes_nothing(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    three_nights()
    before = FILE.read_bytes()
    assert main(["baseline", "rename", *arguments]) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
    assert FILE.read_bytes() == before


def points(which: Any, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str | None]]:
    """Day and verdict of each run that the history has of a case, by its wall time."""
    capsys.readouterr()
    assert main(["history", str(which), "--metric", "wall time", "--json"]) == ExitCode.PASS
    (series,) = json.loads(capsys.readouterr().out)["series"]
    return [(point["date"][8:10], point["verdict"]) for point in series["points"]]


@pytest.mark.case("C08")
def test_c08_the_history_goes_on_under_the_new_name(history_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert history_url
    for day in (1, 2):
        write_run(Path("nights"), day=day)
    assert main(["history", "add", "nights"]) == ExitCode.PASS
    assert main(["history", "rename", "resnet50/*/*", f"{NEW.model}/*/*"]) == ExitCode.PASS
    assert f"{OLD}  is now {NEW}\n" in capsys.readouterr().out
    for day in (3, 4):
        write_run(Path("later"), renamed_times(), day=day)
    assert main(["history", "add", "later", "nights"]) == ExitCode.PASS
    assert [day for day, _ in points(NEW, capsys)] == ["01", "02", "03", "04"]
    assert main(["history", str(OLD)]) == ExitCode.USAGE


def test_nights_before_and_after_become_one_series(history_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    from perfkit.history.add import Entry, add_runs
    from perfkit.history.database import open_history
    from perfkit.record.read import read_run

    assert history_url
    before, after = write_run(Path("n"), day=1), write_run(Path("n"), renamed_times(), day=2)
    with open_history(Path("results")) as history:
        add_runs(history, [Entry(read_run(before), {OLD: "PASS"}), Entry(read_run(after), {NEW: "IMPROVED"})])
    assert main(["history", "rename", str(OLD), str(NEW), "--json"]) == ExitCode.PASS
    assert json.loads(capsys.readouterr().out)["renamed"] == {str(OLD): str(NEW)}
    assert points(NEW, capsys) == [("01", "PASS"), ("02", "IMPROVED")]


def test_two_cases_of_one_run_stay_two(history_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert history_url
    assert main(["history", "add", str(write_run(Path("n"), day=1))]) == ExitCode.PASS
    assert main(["history", "rename", "*/trt-fp16/*", "*/trt-int8/*"]) == ExitCode.USAGE
    assert "one run has measured both" in capsys.readouterr().err
    assert [day for day, _ in points(OLD, capsys)] == ["01"]
    assert main(["history", "rename", "vgg16/*/*", "vgg19/*/*"]) == ExitCode.USAGE
    assert "no case is vgg16/*/*" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "which", "becomes"),
    [
        ("a/b/c", "x/y/z", ("a", "b", "c"), ("x", "y", "z")),
        ("a/*/*", "x/*/*", ("a", "b", "c"), ("x", "b", "c")),
        ("*/b/*", "*/y/9", ("a", "b", "c"), ("a", "y", "9")),
        ("a/b/c", "x/y/z", ("a", "b", "d"), ("a", "b", "d")),
        ("t/a.py::test_x[1]", "u/b.py::test_x[1]", ("t/a.py::test_x[1]", "", ""), ("u/b.py::test_x[1]", "", "")),
        ("t/a.py::test_x", "m/v/s", ("t/a.py::test_x", "", ""), ("m", "v", "s")),
    ],
)
def test_names(old: str, new: str, which: tuple[str, str, str], becomes: tuple[str, str, str]) -> None:
    assert Renaming(old, new)(CaseId(*which)) == CaseId(*becomes)


def test_a_whole_name_has_no_star() -> None:
    with pytest.raises(UserError, match="a \\* keeps a part"):
        Renaming("t/a.py::test_x", "m/v/*")
