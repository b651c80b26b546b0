"""A hundred processes that promote at once: nothing lost, nothing torn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfkit.catalog.case import CaseId
from perfkit.cli import main
from perfkit.record.baseline import read_baseline
from tests.cli.at_once import at_once
from tests.support import SHAPE, write_run

PROCESSES = 100
FILE = Path("results/baselines/made-up-gpu-x1-80gib.json")
CASES = [CaseId(f"model{number:03d}", "trt-fp16", SHAPE) for number in range(PROCESSES)]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def no_file_is_left_over() -> None:
    assert [path.name for path in FILE.parent.iterdir()] == [FILE.name]


def test_the_cases_of_one_run_promoted_one_by_one_are_all_there() -> None:
    cases = CASES[:30]
    run = write_run(Path("night"), dict.fromkeys(cases, (4e-3, 1e-3)), day=1, rounds=5)
    at_once([f"promote {run} --cases {case}" for case in cases])
    promoted = read_baseline(FILE)
    (replicate,) = promoted.replicates
    assert [sample.case for sample in replicate.samples] == cases
    assert [anchor.case for anchor in promoted.anchors] == cases
    assert sorted(change.cases or "" for change in promoted.changes) == [str(case) for case in cases]
    no_file_is_left_over()


def test_a_hundred_runs_of_different_cases_are_all_there_beside_what_was() -> None:
    known = CaseId("known", "trt-fp16", SHAPE)
    assert main(["promote", str(write_run(Path("first"), {known: (4e-3, 1e-3)}, day=1, rounds=5))]) == 0
    runs = []
    for number, case in enumerate(CASES):
        times = {known: (4e-3, 1e-3), case: (4e-3, 1e-3)}
        path = write_run(Path(f"run{number}"), times, day=2, rounds=5)
        data = json.loads(path.read_text())
        data["datetime"] = f"2030-01-02T{number // 60:02d}:{number % 60:02d}:00+00:00"
        path.write_text(json.dumps(data))
        runs.append(f"promote {path} --cases {case.model}/*")
    at_once(runs)
    promoted = read_baseline(FILE)
    assert len(promoted.replicates) == PROCESSES + 1
    found = {sample.case for replicate in promoted.replicates for sample in replicate.samples}
    assert found == {known, *CASES}
    assert len(promoted.changes) == PROCESSES + 1
    no_file_is_left_over()
