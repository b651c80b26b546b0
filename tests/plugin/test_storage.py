"""What pytest-benchmark saves, in projects without cases of perfkit's own and in its storage."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from pytest_benchmark.logger import Logger
from pytest_benchmark.storage.file import FileStorage

from perfkit.exit_codes import ExitCode
from perfkit.plugin.storage import AtomicStorage
from tests.faults.runs import PYTEST, instant_project, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def storage(tmp_path: Path) -> AtomicStorage:
    return AtomicStorage(FileStorage(str(tmp_path), Logger(Logger.QUIET), "machine"))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_numbers_go_on_after_the_newest(storage: AtomicStorage, tmp_path: Path) -> None:
    storage.save({"benchmarks": []}, "first")
    storage.save({"benchmarks": [1]}, "second")
    (tmp_path / "machine" / "0007_by-hand.json").write_text("{}")
    storage.save({"benchmarks": [2]}, "third")
    assert files(tmp_path) == ["0001_first.json", "0002_second.json", "0007_by-hand.json", "0008_third.json"]
    assert json.loads((tmp_path / "machine" / "0008_third.json").read_text()) == {"benchmarks": [2]}


def test_after_ten_thousand_runs_each_is_a_file_of_its_own(storage: AtomicStorage, tmp_path: Path) -> None:
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "9999_run.json").write_text("{}")
    (tmp_path / "machine" / "12_no-run.json").write_text("{}")
    for number in range(3):
        storage.save({"benchmarks": [number]}, "run")
    assert files(tmp_path) == ["10000_run.json", "10001_run.json", "10002_run.json", "12_no-run.json", "9999_run.json"]
    assert json.loads((tmp_path / "machine" / "10000_run.json").read_text()) == {"benchmarks": [0]}


def test_of_many_that_save_at_once_none_is_lost(tmp_path: Path) -> None:
    def save(number: int) -> None:
        own = AtomicStorage(FileStorage(str(tmp_path), Logger(Logger.QUIET), "machine"))
        own.save({"benchmarks": [number]}, "run")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(40)))
    saved = [json.loads(path.read_text())["benchmarks"] for path in (tmp_path / "machine").iterdir()]
    assert sorted(saved) == [[number] for number in range(40)]
    assert files(tmp_path) == [f"{number:04}_run.json" for number in range(1, 41)]


@pytest.mark.case("A09")
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused_and_leaves_no_file(storage: AtomicStorage, tmp_path: Path, value: float) -> None:
    with pytest.raises(pytest.UsageError, match="isn't saved"):
        storage.save({"benchmarks": [{"stats": {"mean": value}}]}, "bad")
    assert files(tmp_path) == []


def test_a_folder_that_takes_no_file_is_told_in_one_line(storage: AtomicStorage, tmp_path: Path) -> None:
    (tmp_path / "machine").write_text("a file where the folder should be")
    with pytest.raises(pytest.UsageError, match=r"isn't saved: .*machine.*cannot be written"):
        storage.save({"benchmarks": []}, "run")
    assert files(tmp_path) == ["machine"]


def test_everything_else_is_the_originals(storage: AtomicStorage, tmp_path: Path) -> None:
    storage.save({"benchmarks": [], "version": "5"}, "run")
    assert str(storage) == str(tmp_path)
    assert [data for _, data in storage.load()] == [{"benchmarks": [], "version": "5"}]


FULL = """
import resource
def pytest_runtest_teardown():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
"""


def test_benchmark_json_replaces_its_file_whole_or_not_at_all(tmp_path: Path) -> None:
    """As on a full disk: no file may grow."""
    folder = instant_project(tmp_path, ["variant-1"], models=["one"])
    path = folder / "out.json"
    ended = run(folder, [*PYTEST, "--benchmark-json=out.json"])
    assert ended.code == ExitCode.PASS, ended.out
    assert "Wrote benchmark data in: out.json" in ended.out + ended.err
    before = path.read_bytes()
    data = json.loads(before)
    assert [len(entry["stats"]["data"]) for entry in data["benchmarks"]] == [5, 5]
    assert data["perfkit"]["suite"] == "tiny"
    (folder / "link.json").symlink_to(path)
    assert run(folder, [*PYTEST, "--benchmark-json=link.json"]).code == ExitCode.PASS
    assert (folder / "link.json").is_symlink()
    before = path.read_bytes()
    with (folder / "conftest.py").open("a") as file:
        file.write(FULL)
    # Coverage's own file couldn't grow either, and it would say so in a traceback.
    ended = run(folder, [*PYTEST, "--benchmark-json=out.json"], COVERAGE_PROCESS_CONFIG="")
    assert ended.code == ExitCode.USAGE
    assert f"the run isn't saved: out.json: cannot be written: {os.strerror(27)}" in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err
    assert path.read_bytes() == before
    assert not list(folder.glob(".*.tmp"))
