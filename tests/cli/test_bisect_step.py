"""The program that git bisect run starts for a commit, in a repository of one."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import bisect_step
from perfkit.record.schema import Outcome, Status
from tests.support import case, usual_times, write_run

if TYPE_CHECKING:
    from pathlib import Path

CASE = case("trt-int8")


@pytest.fixture(autouse=True)
def _in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *identity, *arguments], check=True)


def test_a_step_outside_of_a_repository_ends_the_bisection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any code below 128 would be taken for a verdict on the commit."""
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.chdir(outside)
    names = ("results", "baseline", "log")
    step = bisect_step.Step(
        case=str(CASE), command=("true",), repeats=0, **{name: str(outside / name) for name in names}
    )
    state = outside / "step.json"
    state.write_text(step.model_dump_json())
    assert bisect_step.main(str(state)) == bisect_step.ABORT >= 128
    assert "git rev-parse refuses: " in capsys.readouterr().err


def a_step(folder: Path, command: tuple[str, ...]) -> Path:
    (folder / "results").mkdir()
    names = ("results", "baseline", "log")
    step = bisect_step.Step(case=str(CASE), command=command, repeats=0, **{name: str(folder / name) for name in names})
    state = folder / "step.json"
    state.write_text(step.model_dump_json())
    return state


def test_a_case_that_both_sides_left_out_says_nothing_of_the_commit(tmp_path: Path) -> None:
    """It has no row in a judgement of other cases."""
    times = {identity: pair for identity, pair in usual_times().items() if identity != CASE}
    skipped = (Outcome(**CASE._asdict(), status=Status.SKIPPED, reason="not on this machine"),)
    made = write_run(tmp_path / "made", times, day=2, outcomes=skipped)
    (tmp_path / "baseline").mkdir()
    write_run(tmp_path / "baseline", times, day=1, outcomes=skipped)
    state = a_step(tmp_path, ("cp", str(made), str(tmp_path / "results")))
    assert bisect_step.main(str(state)) == bisect_step.SKIP


def test_a_bug_of_the_step_is_no_bad_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baseline").mkdir()
    write_run(tmp_path / "baseline")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bisect_step, "judge", broken)
    made = write_run(tmp_path / "made", day=2)
    assert bisect_step.main(str(a_step(tmp_path, ("cp", str(made), str(tmp_path / "results"))))) == bisect_step.ABORT
    assert "ZeroDivisionError" in capsys.readouterr().err
