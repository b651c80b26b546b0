"""A promotion is held to the history first: to runs that were measured and never promoted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.cli.promoting import FILE, HURT, promote
from tests.support import INPUTS, case, edit_records, replay, slowed, usual_times, write_run

if TYPE_CHECKING:
    from tests.support import Times


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history_url: str) -> None:
    assert history_url
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")


def all_scaled(factor: float) -> Times:
    return {
        each: (reference_s * factor, variant_s * factor) for each, (reference_s, variant_s) in usual_times().items()
    }


def nights(*days: int, times: Times | None = None, **options: object) -> list[str]:
    """Into the history, as every night's run is."""
    paths = [str(write_run(Path("nights"), times, day=day, **options)) for day in days]
    assert main(["history", "add", *paths]) == ExitCode.PASS
    return paths


@pytest.mark.case("C01")
def test_c01_the_first_baseline_is_held_to_four_runs_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(INPUTS / "C01", "C01")
    assert main(["history", "add", "C01/history", "C01/baseline"]) == ExitCode.PASS
    capsys.readouterr()
    assert main(["promote", "C01/baseline"]) == ExitCode.INCONCLUSIVE
    shown = capsys.readouterr().out
    assert "an outlier, its times lie -4" in shown
    assert "from those of the runs before it in the history (4 runs, median over cases)" in shown
    assert not list(FILE.parent.iterdir())
    assert main(["promote", "C01/current"]) == ExitCode.PASS


def test_a_night_out_of_line_is_no_first_baseline_without_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    nights(1, 2, 3, 4)
    for factor, told in ((1.3, "+30."), (0.7, "-30.")):
        assert promote(all_scaled(factor), day=5) == ExitCode.INCONCLUSIVE
        assert f"night5/0005.json: an outlier, its times lie {told}" in capsys.readouterr().out
    assert promote(all_scaled(1.05), day=5) == ExitCode.PASS


def test_few_runs_tell_no_level_and_a_reason_accepts(capsys: pytest.CaptureFixture[str]) -> None:
    nights(1, 2)
    assert promote(all_scaled(1.3), day=5) == ExitCode.PASS
    FILE.unlink()
    nights(3)
    assert promote(all_scaled(1.3), day=5) == ExitCode.INCONCLUSIVE
    assert promote(all_scaled(1.3), "--reason", "new host", day=5) == ExitCode.PASS
    assert "accepted: night5/0005.json: an outlier" in capsys.readouterr().out


def test_a_level_that_the_baseline_has_is_no_outlier() -> None:
    """Somebody reviewed it, though most nights before were at another."""
    nights(*range(1, 11))
    assert promote(all_scaled(0.7), "--reason", "new driver", day=11) == ExitCode.PASS
    nights(12, times=all_scaled(0.7))
    assert promote(all_scaled(0.7), day=13) == ExitCode.PASS


def test_times_taken_in_another_way_are_not_held_to_it() -> None:
    nights(1, 2, 3, 4)
    run = edit_records(write_run(Path("replays"), all_scaled(0.7), day=5), replay)
    assert main(["promote", str(run)]) == ExitCode.PASS


def test_one_case_taken_in_another_way_has_no_past_of_its_own() -> None:
    nights(1, 2, 3, 4)
    run = edit_records(write_run(Path("mixed"), slowed(usual_times(), HURT, 0.8), day=5), replay, HURT)
    assert main(["promote", str(run)]) == ExitCode.PASS


def test_a_level_of_months_ago_is_told_with_age_and_distance(capsys: pytest.CaptureFixture[str]) -> None:
    old = write_run(Path("old"), all_scaled(1.2), day=1)
    old.write_text(old.read_text().replace("2030-01-01T", "2029-11-01T"))
    nights(1, 2, 3)
    assert main(["promote", str(old)]) == ExitCode.INCONCLUSIVE
    shown = capsys.readouterr().out
    assert "0001.json: a stale level, 63 days older than the newest run in the history and +2" in shown
    assert "% from its level (times, median over cases)" in shown
    nights(28, times=all_scaled(1.0))
    capsys.readouterr()
    assert promote(day=1) == ExitCode.PASS  # 27 days are no age


def test_a_gain_that_another_night_shows_is_confirmed() -> None:
    faster = slowed(usual_times(), HURT, 0.8)
    assert main(["promote", *nights(1, 2, 3)]) == ExitCode.PASS
    assert promote(faster, day=6) == ExitCode.INCONCLUSIVE
    nights(4)  # shows nothing of it
    old = str(write_run(Path("odd"), faster, day=2))  # and this is older than the level that was reviewed
    assert main(["history", "add", old]) == ExitCode.PASS
    assert promote(faster, day=6) == ExitCode.INCONCLUSIVE
    nights(5, times=faster)
    assert promote(faster, day=6) == ExitCode.PASS


def test_a_gain_that_later_nights_have_lost_is_not_promoted(capsys: pytest.CaptureFixture[str]) -> None:
    faster = slowed(usual_times(), HURT, 0.8)
    assert main(["promote", *nights(1, 2, 3)]) == ExitCode.PASS
    lucky = nights(4, 5, times=faster)
    nights(6)
    assert main(["promote", *lucky]) == ExitCode.PASS  # one later night may be the odd one
    FILE.unlink()
    assert main(["promote", *nights(1, 2, 3)]) == ExitCode.PASS
    nights(7)
    capsys.readouterr()
    assert main(["promote", *lucky]) == ExitCode.INCONCLUSIVE
    assert f"{HURT}: an unconfirmed gain, the 2 runs since in the history have lost it" in capsys.readouterr().out
    assert main(["promote", *lucky, "--reason", "the flag was off since"]) == ExitCode.PASS


def test_a_case_that_the_baseline_lacks_is_held_to_its_own_past(capsys: pytest.CaptureFixture[str]) -> None:
    nights(1, 2, 3, 4)
    lucky = slowed(usual_times(), HURT, 0.8)
    assert promote(lucky, day=5) == ExitCode.INCONCLUSIVE
    shown = capsys.readouterr().out
    assert f"{HURT}: an unconfirmed gain, -2" in shown
    assert shown.count("an unconfirmed gain") == 1
    assert "promote 2 processes that show it" in shown
    assert promote(lucky, "--cases", str(case()), day=5) == ExitCode.PASS
    two = [str(write_run(Path("two"), lucky, day=day)) for day in (6, 7)]
    assert main(["promote", *two]) == ExitCode.PASS


def test_a_history_that_cant_be_asked_is_told_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.sqlite").write_text("this is no database, and long enough to be read as one" * 20)
    monkeypatch.setenv("PERFKIT_HISTORY", f"sqlite:///{tmp_path}/no.sqlite")
    assert promote(day=1) == ExitCode.PASS
    assert "perfkit: the history wasn't asked: the history in sqlite:///" in capsys.readouterr().err
    monkeypatch.setenv("PERFKIT_HISTORY", "mysql://team")
    assert promote(day=3) == ExitCode.PASS
    assert "perfkit: the history wasn't asked: PERFKIT_HISTORY: 'mysql' is no place" in capsys.readouterr().err
    monkeypatch.setenv("PERFKIT_HISTORY", "none")
    assert promote(day=2) == ExitCode.PASS
    assert capsys.readouterr().err == ""
