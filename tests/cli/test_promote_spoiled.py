"""Samples most of whose rounds were disturbed, and device times taken in another way: what promotion makes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.judge.anchors import anchors_of
from perfkit.judge.limits import Limits
from perfkit.judge.promotion import foresee
from tests.cli.promoting import FILE, HURT, anchor_s, baseline, enter, nights, promote_three_nights
from tests.support import case, edit_records, replay, slowed, spoil, usual_times, write_run

if TYPE_CHECKING:
    from perfkit.record.baseline import Baseline

SLOWER = slowed(usual_times(), HURT, 2.0)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def _three_nights(_in_an_empty_folder: None, capsys: pytest.CaptureFixture[str]) -> None:
    promote_three_nights()
    capsys.readouterr()


def spoil_newest_of_the_file() -> None:
    """As a perfkit that promoted spoiled samples wrote it: the newest of a case is one, and twice as slow."""
    data = json.loads(FILE.read_text())
    for sample in data["replicates"][-1]["samples"]:
        if (sample["model"], sample["variant"], sample["shape"]) == HURT:
            sample["spoiled"] = True
            for clock in ("wall", "device"):
                sample[clock]["variant_s"] *= 2
    FILE.write_text(json.dumps(data))


@pytest.mark.usefixtures("_three_nights")
@pytest.mark.parametrize("arguments", [(), ("--reason", "anyway"), ("--force", "--reason", "anyway")])
def test_a_spoiled_sample_takes_no_sound_baseline_away(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    anchors = baseline().anchors
    run = edit_records(write_run(Path("hot"), SLOWER, day=4), spoil, HURT)
    assert main(["promote", str(run), *arguments]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert f"left out: {run}: most rounds were disturbed of {HURT}\n" in shown
    assert "start their replicates anew" not in shown
    assert nights(HURT) == ["01", "02", "03"]
    assert nights(case()) == ["01", "02", "03", "04"]
    assert baseline().anchors == anchors
    assert (baseline().changes[-1].accepted, baseline().changes[-1].anchors_moved) == ([], [])


@pytest.mark.usefixtures("_three_nights")
def test_of_several_processes_the_sound_ones_are_added(capsys: pytest.CaptureFixture[str]) -> None:
    hot = edit_records(write_run(Path("nights"), SLOWER, day=4), spoil, HURT)
    assert main(["promote", str(hot), str(write_run(Path("nights"), day=5)), "--json"]) == ExitCode.PASS
    told = json.loads(capsys.readouterr().out)
    assert told["left_out"] == [f"{hot}: most rounds were disturbed of {HURT}"]
    assert told["started_anew"] == []
    assert nights(HURT) == ["01", "02", "03", "05"]


@pytest.mark.usefixtures("_three_nights")
@pytest.mark.parametrize("chosen", [(), ("--cases", str(HURT))])
def test_where_everything_was_disturbed_nothing_is_promoted(
    chosen: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    before = FILE.read_bytes()
    run = edit_records(write_run(Path("hot"), day=4), spoil)
    assert main(["promote", str(run), "--force", "--reason", "anyway", *chosen]) == ExitCode.NOT_JUDGED
    shown = capsys.readouterr().out
    assert shown.startswith(f"not promoted: {run}: most rounds were disturbed of ")
    assert shown.endswith("; measure again\n")
    assert shown.count("\n") == 1
    assert (str(case()) in shown) == (not chosen)
    assert FILE.read_bytes() == before


def test_a_first_baseline_has_no_spoiled_samples() -> None:
    run = edit_records(write_run(Path("first"), day=1), spoil, HURT)
    assert main(["promote", str(run)]) == ExitCode.PASS
    assert nights(HURT) == []
    assert HURT not in {anchor.case for anchor in baseline().anchors}
    assert nights(case()) == ["01"]


@pytest.mark.usefixtures("_three_nights")
def test_a_spoiled_process_confirms_no_gain(capsys: pytest.CaptureFixture[str]) -> None:
    faster = slowed(usual_times(), HURT, 0.7)
    runs = [write_run(Path("faster"), faster, day=day) for day in (4, 5)]
    edit_records(runs[1], spoil, HURT)
    assert main(["promote", *map(str, runs)]) == ExitCode.INCONCLUSIVE
    assert f"{HURT}: an unconfirmed gain" in capsys.readouterr().out


@pytest.mark.usefixtures("_three_nights")
def test_a_spoiled_sample_that_is_in_the_file_counts_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    spoil_newest_of_the_file()
    assert main(["baseline", "show", "--cases", str(HURT), "--json"]) == ExitCode.PASS
    (level,) = json.loads(capsys.readouterr().out)["cases"]
    assert (level["replicates"], level["newest"][:10]) == (2, "2030-01-02")
    assert level["metrics"]["device time"] == pytest.approx(8e-4, rel=0.01)
    (anchor,) = [found for found in anchors_of(_without_anchors()) if found.case == HURT]
    assert (anchor.replicates, anchor.datetime[:10]) == (2, "2030-01-02")
    foresight = foresee(baseline(), Limits())
    assert foresight is not None
    assert foresight.cases == 12


@pytest.mark.usefixtures("_three_nights")
def test_prune_keeps_the_newest_that_are_sound() -> None:
    spoil_newest_of_the_file()
    assert main(["baseline", "prune", "--keep", "1"]) == ExitCode.PASS
    assert nights(HURT) == ["02"]
    assert nights(case()) == ["03"]
    assert anchor_s() == pytest.approx(8e-4, rel=0.01)


@pytest.mark.usefixtures("_three_nights")
def test_a_case_that_has_nothing_sound_is_pruned_with_its_anchor(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(FILE.read_text())
    for replicate in data["replicates"]:
        for sample in replicate["samples"]:
            sample["spoiled"] = (sample["model"], sample["variant"], sample["shape"]) == HURT
    FILE.write_text(json.dumps(data))
    assert HURT not in {anchor.case for anchor in anchors_of(_without_anchors())}
    assert main(["baseline", "list", "--json"]) == ExitCode.PASS
    assert json.loads(capsys.readouterr().out)[0]["cases"] == 11
    assert main(["baseline", "show", "--cases", str(HURT)]) == ExitCode.USAGE
    assert f"{FILE}: no case fits '{HURT}'" in capsys.readouterr().err
    assert main(["baseline", "prune", "--keep", "3"]) == ExitCode.PASS
    assert f"{HURT}  removed" in capsys.readouterr().out
    assert HURT not in {anchor.case for anchor in baseline().anchors}
    assert len(baseline().anchors) == 11


@pytest.mark.usefixtures("_three_nights")
def test_a_spoiled_night_makes_no_level_stale() -> None:
    data = json.loads(FILE.read_text())
    newest = data["replicates"][-1]
    newest["datetime"] = "2030-06-01T02:14:09+00:00"
    for sample in newest["samples"]:
        sample["spoiled"] = True
    FILE.write_text(json.dumps(data))
    assert main(["promote", str(write_run(Path("night"), day=4))]) == ExitCode.PASS


def test_a_run_that_was_disturbed_throughout_has_no_levels(capsys: pytest.CaptureFixture[str]) -> None:
    run = edit_records(write_run(Path("hot"), day=4), spoil)
    assert main(["baseline", "show", str(run)]) == ExitCode.USAGE
    assert capsys.readouterr().err == f"perfkit: {run}: no case has an undisturbed sample\n"


@pytest.mark.usefixtures("_three_nights")
def test_an_anchor_whose_device_times_were_taken_otherwise_follows() -> None:
    """Nothing could be held to it."""
    data = json.loads(FILE.read_text())
    for anchor in data["anchors"]:
        anchor["device_by"] = "replayed"
    FILE.write_text(json.dumps(data))
    assert main(["promote", str(write_run(Path("night"), day=4))]) == ExitCode.PASS
    assert {anchor.device_by for anchor in baseline().anchors} == {"queued"}
    assert {anchor.datetime[:10] for anchor in baseline().anchors} == {"2030-01-04"}


@pytest.mark.usefixtures("_three_nights")
def test_levels_measured_otherwise_have_no_distance(capsys: pytest.CaptureFixture[str]) -> None:
    Path("before.json").write_bytes(FILE.read_bytes())
    faster = slowed(usual_times(), HURT, 0.7)
    run = edit_records(write_run(Path("replays"), faster, day=4), replay)
    assert main(["promote", str(run), "--reason", "replays"]) == ExitCode.PASS
    moved = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"anchor moved: {HURT}")]
    assert len(moved) == 1
    assert moved[0].startswith(f"anchor moved: {HURT}: measured otherwise (device_by queued -> cold), anchor of 2030")
    assert main(["baseline", "diff", "before.json"]) == ExitCode.PASS
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(str(HURT))]
    assert "measured otherwise (device_by queued -> cold)" in row
    assert main(["baseline", "diff", "before.json", "--json"]) == ExitCode.PASS
    (told,) = [entry for entry in json.loads(capsys.readouterr().out)["cases"] if entry["case"] == str(HURT)]
    assert (told["what"], told["faster_pct"]) == ("changed", None)
    assert told["after"]["since_anchor_pct"] == pytest.approx(0)


def _without_anchors() -> Baseline:
    return replace(baseline(), anchors=())
