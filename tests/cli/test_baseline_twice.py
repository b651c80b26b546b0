"""A baseline with one replicate twice: a merge of two branches that took both sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import read_baseline
from tests.cli.promoting import FILE, enter, promote_three_nights
from tests.support import write_run

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)


def doubled(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """The baseline's file with its newest replicate twice, as a merge conflict that was resolved by taking both."""
    data = json.loads(FILE.read_text())
    copy = json.loads(json.dumps(data["replicates"][-1]))
    change(data["replicates"][-1], copy)
    data["replicates"].append(copy)
    FILE.write_text(json.dumps(data))


def _halves(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two branches have promoted cases of one run, each its own, and one of them both."""
    one["samples"], other["samples"] = one["samples"][:7], other["samples"][6:]


@pytest.mark.parametrize("change", [lambda *_: None, _halves])
def test_a_replicate_that_stands_twice_is_one(change: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of it is lost, it takes no other's place, and the next promotion writes it once."""
    promote_three_nights()
    whole = read_baseline(FILE).replicates
    doubled(change)
    assert read_baseline(FILE).replicates == whole
    assert main(["promote", str(write_run(Path("later"), day=4))]) == ExitCode.PASS
    assert len(json.loads(FILE.read_text())["replicates"]) == 4
    doubled(change)
    assert main(["baseline", "prune", "--keep", "2"]) == ExitCode.PASS
    left = read_baseline(FILE).replicates
    assert [(replicate.datetime[8:10], len(replicate.samples)) for replicate in left] == [("03", 12), ("04", 12)]
    assert "Traceback" not in capsys.readouterr().err


def test_a_replicate_that_says_two_things_of_a_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    def edit(_: dict[str, Any], copy: dict[str, Any]) -> None:
        copy["samples"][0]["wall"]["variant_s"] *= 2

    promote_three_nights()
    doubled(edit)
    before = FILE.read_bytes()
    run = str(write_run(Path("later"), day=4))
    capsys.readouterr()
    for arguments in (["promote", run], ["baseline", "prune", "--keep", "1"], ["compare", str(FILE), run]):
        assert main(arguments) == ExitCode.USAGE
        (line,) = capsys.readouterr().err.splitlines()
        assert "the replicate of 2030-01-03T02:14:09+00:00 stands twice, with different samples of" in line
    assert FILE.read_bytes() == before
