"""What becomes of anchors when runs are promoted, and what is refused for their sake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.cli.promoting import FILE, FORCED, HURT, anchor_s, baseline, enter, nights, promote, promote_three_nights
from tests.support import case, edit_records, replay, slowed, usual_times, write_run


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)


@pytest.fixture
def _three_nights() -> None:
    promote_three_nights()


@pytest.mark.usefixtures("_three_nights")
def test_small_accepted_regressions_add_up_to_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(slowed(usual_times(), HURT, 1.08), *FORCED, day=4) == ExitCode.PASS
    assert promote(slowed(usual_times(), HURT, 1.08), day=5) == ExitCode.PASS
    capsys.readouterr()
    further = slowed(usual_times(), HURT, 1.12)
    assert promote(further, "--reason", "a bit more", day=6) == ExitCode.FAIL
    refused = capsys.readouterr().out
    assert "slower than its anchor" in refused
    assert "2030-01-03" in refused or "REGRESSED" in refused
    assert promote(further, *FORCED, day=6) == ExitCode.PASS
    (moved,) = baseline().changes[-1].anchors_moved
    assert moved.startswith(f"{HURT}: 1")
    assert "slower, anchor of 2030-01-03 (commit 000000000000)" in moved
    assert anchor_s() == pytest.approx(8e-4 * 1.12, rel=0.01)


@pytest.mark.usefixtures("_three_nights")
def test_steps_that_no_night_shows_are_refused_as_drift(capsys: pytest.CaptureFixture[str]) -> None:
    factor, day, code = 1.0, 3, 0
    while code == ExitCode.PASS and day < 28:
        factor, day = factor * 1.004, day + 1
        code = promote(slowed(usual_times(), HURT, factor), day=day)
    assert code == ExitCode.FAIL
    assert 1.09 < factor < 1.12
    assert "slow drift: 1 case, the most " in capsys.readouterr().out


@pytest.mark.usefixtures("_three_nights")
def test_a_confirmed_gain_takes_its_anchor_along(capsys: pytest.CaptureFixture[str]) -> None:
    faster = slowed(usual_times(), HURT, 0.7)
    assert promote(faster, day=4) == ExitCode.INCONCLUSIVE
    assert f"{HURT}: an unconfirmed gain (its time -30" in capsys.readouterr().out
    runs = [str(write_run(Path("faster"), faster, day=day)) for day in (4, 5)]
    assert main(["promote", *runs]) == ExitCode.PASS
    assert anchor_s() == pytest.approx(8e-4 * 0.7, rel=0.01)
    assert "43." in baseline().changes[-1].anchors_moved[0] or "42." in baseline().changes[-1].anchors_moved[0]


@pytest.mark.usefixtures("_three_nights")
def test_a_loss_that_is_won_back_in_part_leaves_the_anchor_where_it_was() -> None:
    assert promote(slowed(usual_times(), HURT, 1.08), *FORCED, day=4) == ExitCode.PASS
    better = slowed(usual_times(), HURT, 1.02)
    runs = [str(write_run(Path("better"), better, day=day)) for day in (5, 6)]
    assert main(["promote", *runs]) == ExitCode.PASS
    assert nights(HURT) == ["05", "06"]
    assert anchor_s() == pytest.approx(8e-4, rel=0.005)
    assert baseline().changes[-1].anchors_moved == []


@pytest.mark.usefixtures("_three_nights")
def test_a_changed_machine_moves_the_anchors_times_and_no_speedup() -> None:
    """A regression of 6% before the driver was changed is still in sight after it."""
    hurt = slowed(usual_times(), HURT, 1.06)
    assert promote(hurt, *FORCED, day=4) == ExitCode.PASS
    slower = {which: (1.3 * r, 1.3 * v) for which, (r, v) in hurt.items()}
    assert promote(slower, "--reason", "driver 590", day=5) == ExitCode.PASS
    assert anchor_s() == pytest.approx(8e-4 * 1.3, rel=0.01)
    (anchor,) = [anchor for anchor in baseline().anchors if anchor.case == HURT]
    assert anchor.device is not None
    assert anchor.device.log_speedup == pytest.approx(1.609, abs=0.005)
    assert any("the speedup stays" in text for text in baseline().changes[-1].anchors_moved)


def test_a_file_of_schema_version_1_gets_its_anchors_from_its_own_replicates() -> None:
    old = Path(__file__).parents[1] / "record" / "golden" / "baseline-version-1.json"
    FILE.parent.mkdir(parents=True)
    FILE.write_text(old.read_text())
    times = {case(): (4e-3, 1e-3), HURT: (4e-3, 8e-4)}
    assert promote(times, day=3, rounds=8) == ExitCode.PASS
    data = json.loads(FILE.read_text())
    assert data["schema_version"] == 2
    assert {anchor["datetime"][:10] for anchor in data["anchors"]} == {"2030-01-02"}
    assert len(data["replicates"]) == 3


def test_a_replicate_that_was_timed_otherwise_is_left_out_and_moves_no_anchor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for day in (1, 2, 3):
        edit_records(write_run(Path("first"), day=day), replay)
    assert main(["promote", "first", "--reason", "first week"]) == 0
    before = anchor_s()
    for day in (4, 5):
        edit_records(write_run(Path("night"), day=day), replay)
    write_run(Path("night"), slowed(usual_times(), HURT, 3.0), day=6)  # its device times were queued
    capsys.readouterr()
    assert main(["promote", "night"]) == 0
    assert "device times were taken in another way than most of " in capsys.readouterr().out
    assert nights(HURT) == ["01", "02", "03", "04", "05"]
    assert anchor_s() == before


def test_a_replicate_that_was_cut_short_is_left_out_and_moves_no_anchor(capsys: pytest.CaptureFixture[str]) -> None:
    for day in (1, 2):
        write_run(Path("first"), day=day)
    write_run(Path("first"), slowed(usual_times(), HURT, 1.5), day=3, rounds=4)
    assert main(["promote", "first"]) == 0
    shown = capsys.readouterr()
    assert "fewer than 5 rounds of " in shown.out
    assert "0 of 12 cases would be INCONCLUSIVE" in shown.out + shown.err
    assert nights(HURT) == ["01", "02"]
    assert anchor_s() == pytest.approx(8e-4, rel=0.01)


def test_a_newest_replicate_without_device_times_hides_no_anchors() -> None:
    for day in (1, 2):
        edit_records(write_run(Path("first"), day=day), replay)

    def lose(record: dict[str, Any]) -> None:
        record["rounds"] |= {"reference_device_s": None, "variant_device_s": None, "device_by": None}

    edit_records(write_run(Path("first"), day=3), lose)
    assert main(["promote", "first", "--reason", "first week"]) == 0
    assert anchor_s() > 0
