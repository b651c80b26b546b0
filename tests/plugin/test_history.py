"""A run that is saved is added to the history, whatever comes of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.history.database import open_existing_history
from perfkit.history.series import find_series, histories_of, runs_since
from perfkit.record.read import read_run
from tests.projects import MODEL, SMALL, run_pytest, saved_files, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("history"), suite(["twin"], shapes=[SMALL]))


def test_a_saved_run_is_in_the_history(project: Path) -> None:
    ended = run_pytest(project, "--benchmark-autosave", PERFKIT_HISTORY="")
    assert ended.code == ExitCode.NOT_JUDGED, ended.out
    assert "not added" not in ended.out
    (path,) = saved_files(project)
    with open_existing_history(project / "results") as history, history.reading() as connection:
        series = find_series(connection, f"{MODEL}/twin/{SMALL}", None)
        (through,) = histories_of(connection, series, runs_since(connection, None))
    run = read_run(path)
    (point,) = through.points
    assert point.run.digest == run.replicate.run_id
    (timing,) = [sample.wall for sample in run.replicate.samples if sample.variant == "twin"]
    assert timing.reference_s is not None
    assert through.series.metric == "wall speedup"
    assert point.verdict is None, "there was no baseline to judge by"


def test_a_history_that_cant_be_written_costs_a_line(project: Path) -> None:
    before = len(saved_files(project))
    ended = run_pytest(project, "--benchmark-autosave", PERFKIT_HISTORY="sqlite:////proc/nowhere/history.sqlite")
    assert ended.code == ExitCode.NOT_JUDGED, ended.out
    (line,) = [line for line in ended.lines if "not added" in line]
    assert line.startswith("perfkit: not added to the history: ")
    assert line.endswith("; perfkit history add does it later")
    assert len(saved_files(project)) == before + 1


def test_a_history_that_cant_be_reached_shows_no_password(project: Path) -> None:
    url = "postgresql+psycopg://u@127.0.0.1:1/db?password=hunter2"
    ended = run_pytest(project, "--benchmark-autosave", PERFKIT_HISTORY=url)
    (line,) = [line for line in ended.lines if "not added" in line]
    assert "127.0.0.1:1/db?password=***" in line
    assert "hunter2" not in ended.out


def test_a_run_that_isnt_saved_is_no_history(project: Path) -> None:
    ended = run_pytest(project, PERFKIT_HISTORY=f"sqlite:///{project}/other.sqlite")
    assert ended.code == ExitCode.NOT_JUDGED, ended.out
    assert not (project / "other.sqlite").exists()
