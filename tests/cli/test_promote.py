from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import read_baseline
from perfkit.record.schema import Outcome, Status
from tests.support import CPU, INPUTS, Times, case, slowed, usual_times, write_run

HURT = case("trt-int8")
FILE = Path("results/baselines/made-up-gpu-x1-80gib.json")


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def promote(times: Times | None = None, *arguments: str, day: int, **options: Any) -> int:
    run = write_run(Path(f"night{day}"), times, day=day, **options)
    return main(["promote", str(run), *arguments])


def nights(which: Any = HURT) -> list[str]:
    """Dates of the baseline's replicates that have a case."""
    return [
        replicate.datetime[8:10]
        for replicate in read_baseline(FILE).replicates
        if which in {sample.case for sample in replicate.samples}
    ]


def everything(factor: float) -> Times:
    return {c: (r * factor, v * factor) for c, (r, v) in usual_times().items()}


def test_three_nights_make_a_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(day=1) == ExitCode.PASS
    assert capsys.readouterr().out == (
        f"wrote {FILE}: 1 replicate\n"
        "with fewer than 3 replicates, thresholds rest on an assumed spread: "
        "measure and promote again\n"
        "one more replicate could see slowdowns from 12.2% to 14.3%, by case; 12 of 12 cases would be INCONCLUSIVE\n"
    )
    assert promote(day=2) == ExitCode.PASS
    assert promote(None, "--reason", "first week", day=3) == ExitCode.PASS
    added, foreseen = capsys.readouterr().out.splitlines()[-2:]
    assert added == f"added to {FILE}: 3 replicates"
    smallest = float(foreseen.split(" from ")[1].split("%")[0])
    assert smallest < 6
    assert nights() == ["01", "02", "03"]
    assert json.loads(FILE.read_text())["reason"] == "first week"
    run = write_run(Path("next"), day=9)
    assert main(["compare", "auto", str(run)]) == ExitCode.PASS


def test_a_baseline_that_can_see_too_little_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(day=1, hardware=CPU) == ExitCode.PASS
    foreseen = capsys.readouterr().out.splitlines()[-1]
    assert foreseen.endswith("from 24.0% to 28.4%, by case; 12 of 12 cases would be INCONCLUSIVE")


def test_several_runs_at_once() -> None:
    runs = [str(write_run(Path("runs"), day=day)) for day in (1, 2, 3)]
    assert main(["promote", *runs]) == 0
    assert nights() == ["01", "02", "03"]


def test_other_places() -> None:
    run = str(write_run(Path("a"), day=1))
    assert main(["promote", run, "--results", "elsewhere"]) == 0
    assert [path.name for path in Path("elsewhere/baselines").iterdir()] == [FILE.name]
    assert main(["promote", run, "--baseline", "mine.json"]) == 0
    assert Path("mine.json").exists()
    assert not FILE.exists()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"times": slowed(usual_times(), HURT, 1.3)}, ExitCode.FAIL, "is REGRESSED (its time +30"),
        (
            {"times": {c: p for c, p in usual_times().items() if c != HURT}},
            ExitCode.FAIL,
            "is MISSING (the baseline has it",
        ),
        (
            {"outcomes": (Outcome(**case("x")._asdict(), status=Status.BROKEN, reason="cosine 0.1"),)},
            ExitCode.FAIL,
            "resnet50/x/1x3x224x224 is BROKEN (cosine 0.1)",
        ),
        ({"day": 1}, ExitCode.NOT_JUDGED, "both are the same run"),
        ({"times": everything(1.3)}, ExitCode.INCONCLUSIVE, "say why with --reason"),
        ({"times": everything(0.5)}, ExitCode.INCONCLUSIVE, "moved together"),
        ({"weights": "others"}, ExitCode.NOT_JUDGED, "not comparable: weights"),
    ],
)
def test_what_is_refused_changes_nothing(
    options: dict[str, Any], code: ExitCode, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in (1, 2, 3):
        promote(day=day)
    before = FILE.read_bytes()
    capsys.readouterr()
    run = write_run(Path("refused"), **{"day": 9} | options)
    assert main(["promote", str(run)]) == code
    shown = capsys.readouterr().out
    assert shown.startswith("not promoted: ")
    assert message in shown
    assert FILE.read_bytes() == before


def test_a_slowed_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(day=1, injected="10% into trt-int8") == ExitCode.USAGE
    assert "has faults put in on purpose (10% into trt-int8)" in capsys.readouterr().err
    assert not FILE.exists()


def test_a_broken_first_run_is_refused() -> None:
    broken = Outcome(**case("x")._asdict(), status=Status.BROKEN, reason="cosine 0.1")
    assert promote(day=1, outcomes=(broken,)) == ExitCode.FAIL
    assert not FILE.exists()


def test_other_hardware_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    promote(day=1)
    other = write_run(Path("cpu"), day=2, hardware=CPU)
    assert main(["promote", str(other), "--baseline", str(FILE)]) == ExitCode.NOT_JUDGED
    assert "the baseline is of other hardware" in capsys.readouterr().out
    mixed = [str(write_run(Path("mixed"), day=3)), str(other)]
    assert main(["promote", *mixed]) == ExitCode.NOT_JUDGED
    assert "different hardware" in capsys.readouterr().out


def test_a_run_that_measured_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote({}, day=1) == ExitCode.NOT_JUDGED
    assert "the run measured nothing" in capsys.readouterr().out


def test_an_unreadable_baseline_is_never_overwritten() -> None:
    promote(day=1)
    FILE.write_text("{")
    assert promote(day=2) == ExitCode.USAGE
    assert FILE.read_text() == "{"


def test_an_improved_case_starts_anew(capsys: pytest.CaptureFixture[str]) -> None:
    for day in (1, 2, 3):
        promote(day=day)
    faster = [str(write_run(Path("faster"), slowed(usual_times(), HURT, 0.7), day=day)) for day in (4, 5)]
    assert main(["promote", *faster]) == ExitCode.PASS
    assert f"start their replicates anew: {HURT}\n" in capsys.readouterr().out
    assert nights(HURT) == ["04", "05"]
    assert nights(case()) == ["01", "02", "03", "04", "05"]
    # The gain can't be lost again without a word.
    run = write_run(Path("next"), day=9)
    assert main(["compare", "auto", str(run)]) == ExitCode.FAIL


@pytest.mark.parametrize("options", [{"times": everything(1.3)}, {"weights": "others"}])
def test_with_a_reason_everything_starts_anew(options: dict[str, Any]) -> None:
    for day in (1, 2, 3):
        promote(day=day)
    assert promote(options.pop("times", None), "--reason", "moved", day=4, **options) == 0
    assert nights() == ["04"]
    assert json.loads(FILE.read_text())["reason"] == "moved"
    assert len(json.loads(FILE.read_text())["replicates"]) == 1


def test_a_run_of_another_suite_is_added() -> None:
    promote(day=1)
    assert promote({case(model="vgg16"): (9e-3, 3e-3)}, day=2, suite="full") == 0
    assert nights() == ["01"]
    assert nights(case(model="vgg16")) == ["02"]


@pytest.mark.case("C01")
def test_c01_a_night_out_of_line_with_four_others_is_questioned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(INPUTS / "C01", "C01")
    assert main(["promote", "C01/history"]) == 0
    assert main(["promote", "C01/baseline"]) == ExitCode.INCONCLUSIVE
    assert "wall time -48.9%" in capsys.readouterr().out


@pytest.mark.case("A01")
def test_a01_a_copy_adds_no_replicate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["promote", str(INPUTS / "A01" / "results")]) == 0
    assert "1 replicate\n" in capsys.readouterr().out
    second = sorted((INPUTS / "A01" / "results").iterdir())[1]
    assert main(["promote", str(second)]) == ExitCode.NOT_JUDGED


def test_a_run_that_was_cut_short_needs_force(capsys: pytest.CaptureFixture[str]) -> None:
    """What was measured can be kept; what the baseline already has can't be left out without it either."""
    cut_short = {c: times for c, times in usual_times().items() if c != HURT}
    not_run = (Outcome(model=HURT.model, variant=HURT.variant, shape=HURT.shape, status=Status.NOT_RUN, reason="cut"),)
    assert promote(cut_short, "--reason", "time limit", day=1, outcomes=not_run) == ExitCode.FAIL
    assert "say why with --force --reason" in capsys.readouterr().out
    assert not FILE.exists()
    assert promote(cut_short, "--force", "--reason", "time limit", day=1, outcomes=not_run) == ExitCode.PASS
    assert nights() == []
    assert promote(day=2) == ExitCode.PASS
    assert nights() == ["02"]
    before = FILE.read_bytes()
    assert promote(cut_short, "--reason", "time limit", day=3, outcomes=not_run) == ExitCode.FAIL
    assert FILE.read_bytes() == before
