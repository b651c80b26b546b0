"""Faults of baselines and of exceptions, from real life; the names are those of the case list."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from perfkit.catalog.config import load_config
from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import read_baseline
from tests.support import INPUTS, case, slowed, usual_times, write_run

HURT = case("trt-int8")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def baseline_file() -> Path:
    (path,) = Path("results/baselines").glob("*.json")
    return path


@pytest.mark.case("A05")
def test_a05_only_promote_makes_a_baseline(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    shutil.copytree(INPUTS / "A05" / "current", "current")
    for command in (["compare", "auto", "current"], ["report", "current"], ["baseline", "list"], ["waivers", "check"]):
        main(command)
    assert not Path("results").exists()
    capsys.readouterr()
    assert main(["compare", "auto", "current"]) == ExitCode.NOT_JUDGED
    (hint,) = [line for line in capsys.readouterr().out.splitlines() if "perfkit promote" in line]
    assert main(hint.split("promote one with: perfkit ")[1].split()) == ExitCode.PASS
    assert baseline_file().exists()


@pytest.mark.case("A18")
def test_a18_thresholds_are_shares_or_percentages_and_sizes_have_units(capsys: pytest.CaptureFixture[str]) -> None:
    for text, value in (('"2.5%"', 0.025), ("0.025", 0.025), ('"150 %"', 1.5)):
        Path("perfkit.toml").write_text(f'[judging."*"]\ntolerance = {text}\n')
        assert load_config(Path()).judging["*"].tolerance == pytest.approx(value)
    run = str(write_run(Path("run")))
    Path("perfkit.toml").write_text('[judging."*"]\ntolerance = 10\n')
    assert main(["report", run]) == ExitCode.USAGE
    assert 'tolerance: 10 has no unit: write "10%", or "1000%"' in capsys.readouterr().err


@pytest.mark.case("C01")
def test_c01_of_five_nights_promoted_together_the_outlier_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("history", "baseline"):
        shutil.copytree(INPUTS / "C01" / folder, "nights", dirs_exist_ok=True)
    assert main(["promote", "nights"]) == ExitCode.INCONCLUSIVE
    shown = capsys.readouterr().out
    assert shown.startswith("not promoted: nights/0005_24fb0258")
    assert "an outlier, its times lie -4" in shown
    assert shown.count("an outlier") == 1
    assert not list(Path("results/baselines").iterdir())


@pytest.mark.case("C01")
def test_c01_after_four_nights_the_fifth_is_no_gain_to_be_taken(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(INPUTS / "C01", "C01")
    assert main(["promote", "C01/history"]) == ExitCode.PASS
    before = baseline_file().read_bytes()
    assert main(["promote", "C01/baseline"]) == ExitCode.INCONCLUSIVE
    assert "references and variants moved together" in capsys.readouterr().out
    assert baseline_file().read_bytes() == before
    assert main(["promote", "C01/current"]) == ExitCode.PASS


@pytest.mark.case("C05")
def test_c05_one_lucky_process_is_no_new_mark(capsys: pytest.CaptureFixture[str]) -> None:
    """Or every night after it would be an alarm."""
    for day in (1, 2, 3):
        write_run(Path("usual"), day=day)
    assert main(["promote", "usual"]) == ExitCode.PASS
    lucky = write_run(Path("lucky"), slowed(usual_times(), HURT, 0.8), day=4)
    assert main(["promote", str(lucky)]) == ExitCode.INCONCLUSIVE
    assert "an unconfirmed gain" in capsys.readouterr().out
    assert main(["compare", "auto", str(write_run(Path("next"), day=9))]) == ExitCode.PASS


@pytest.mark.case("C11")
def test_c11_what_is_thirty_percent_slower_becomes_no_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(INPUTS / "C11", "C11")
    assert main(["promote", "C11/baseline"]) == ExitCode.PASS
    assert main(["promote", "C11/current"]) == ExitCode.FAIL
    assert "is REGRESSED" in capsys.readouterr().out
    Path("perfkit-waivers.toml").write_text(
        '[[waiver]]\ncase = "*/trt-fp16/*"\nmetric = "*"\nsize = "35%"\nowner = "ana"\nreason = "r"\n'
        "expires = 2030-01-01\n"
    )
    assert main(["compare", "auto", "C11/current"]) == ExitCode.PASS
    assert "1 WAIVED, 2 PASS" in capsys.readouterr().out
    assert main(["promote", "C11/current"]) == ExitCode.FAIL


@pytest.mark.case("C17")
def test_c17_a_change_brings_no_baseline_of_its_own_and_a_promotion_says_who_and_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.delenv("GITHUB_BASE_REF", raising=False)
    git = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.invalid", "-c", "init.defaultBranch=main"]
    for day in (1, 2, 3):
        write_run(Path("usual"), day=day)
    assert main(["promote", "usual", "--reason", "first review"]) == ExitCode.PASS
    for command in (["init", "-q"], ["add", "results"], ["commit", "-qm", "baseline"]):
        subprocess.run([*git, *command], check=True)
    slower = str(write_run(Path("change"), slowed(usual_times(), HURT, 1.3), day=9))
    assert main(["promote", slower, "--force", "--reason", "I need to merge"]) == ExitCode.PASS
    again = str(write_run(Path("again"), slowed(usual_times(), HURT, 1.3), day=10))
    # Against its own baseline it is no regression any more; against the base branch's it is.
    assert main(["compare", "auto", again]) != ExitCode.FAIL
    assert main(["compare", "git:main", again]) == ExitCode.FAIL
    # The report says so, with the commit that the baseline is of.
    capsys.readouterr()
    main(["compare", "auto", again])
    shown = capsys.readouterr().out
    assert "with uncommitted changes, not as main has it" in shown
    assert "own baseline: results/baselines/made-up-gpu-x1-80gib.json has changes that no commit has" in shown
    for command in (["checkout", "-qb", "change"], ["commit", "-qam", "faster tests"]):
        subprocess.run([*git, *command], check=True)
    tip = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout[:12]
    main(["compare", "auto", again, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["baseline"]["file_commit"] == tip
    assert told["baseline"]["is_as_in_base"] is False
    (finding,) = [finding["text"] for finding in told["findings"] if finding["kind"] == "own baseline"]
    assert f"is of commit {tip} and differs from main's" in finding
    main(["compare", "git:main", again])
    shown = capsys.readouterr().out
    assert ", as main has it" in shown
    assert "own baseline" not in shown
    first, forced = read_baseline(baseline_file()).changes
    assert (first.reason, forced.reason) == ("first review", "I need to merge")
    assert forced.by
    assert any("REGRESSED" in text for text in forced.accepted)
    assert json.loads(baseline_file().read_text())["changes"][1]["runs"][0]["file"] == "change/0009.json"
