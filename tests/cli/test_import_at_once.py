"""A hundred processes that promote and import at once, on both databases: nothing lost, nothing twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfkit.catalog.case import CaseId
from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import read_baseline
from tests.cli.at_once import at_once
from tests.support import SHAPE, plain_data, write_run

IMPORTED, TWICE, PROMOTED = 40, 10, 50
FILE = Path("results/baselines/made-up-gpu-x1-80gib.json")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history_url: str) -> None:
    assert history_url
    monkeypatch.chdir(tmp_path)


def theirs(number: int) -> str:
    """A file of others, of a minute of its own; each has a case that all have, and one that it alone has."""
    case, own = CaseId("shared", "torch", SHAPE), CaseId(f"own{number:03d}", "torch", SHAPE)
    data = plain_data({case: 1e-3 * (1 + number / 1000), own: 2e-3}, rounds=5)
    data["datetime"] = f"2030-01-01T{number // 60:02d}:{number % 60:02d}:00+00:00"
    path = Path(f"theirs{number:03d}.json")
    path.write_text(json.dumps(data), encoding="utf-8")
    return f"import {path}"


def night(number: int) -> str:
    case = CaseId(f"model{number:03d}", "trt-fp16", SHAPE)
    path = write_run(Path(f"night{number}"), {case: (4e-3, 1e-3)}, day=2, rounds=5)
    text = path.read_text("utf-8")
    path.write_text(text.replace("T02:14:09", f"T{number // 60:02d}:{number % 60:02d}:00"), encoding="utf-8")
    return f"promote {path} --cases {case}"


def test_a_hundred_processes_that_promote_and_import_lose_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    imports = [theirs(number) for number in range(IMPORTED)]
    promotions = [night(number) for number in range(PROMOTED)]
    # Ten of the files are imported by two processes each; nobody has made the database yet.
    at_once([word for pair in zip([*imports, *imports[:TWICE]], promotions, strict=True) for word in pair])

    promoted = read_baseline(FILE)
    assert len(promoted.replicates) == len(promoted.changes) == PROMOTED
    assert len(list(Path("results/imported").iterdir())) == IMPORTED
    capsys.readouterr()
    assert main(["history", "*", "--metric", "wall time", "--json"]) == ExitCode.PASS
    series = {one["model"]: one["points"] for one in json.loads(capsys.readouterr().out)["series"]}
    assert set(series) == {"shared", *(f"own{number:03d}" for number in range(IMPORTED))}
    assert {len(points) for model, points in series.items() if model != "shared"} == {1}
    assert [round(point["value"] * 1e6) for point in series["shared"]] == [1000 + n for n in range(IMPORTED)]
    assert len({point["run_id"] for point in series["shared"]}) == IMPORTED
