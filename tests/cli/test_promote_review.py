"""What perfkit promote holds a run to, what it takes to overrule it, and what the file then tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.judge.promotion import judged_against
from perfkit.record.baseline import Baseline
from perfkit.record.schema import Outcome, Status
from tests.cli.promoting import FILE, FORCED, HURT, anchor_s, baseline, enter, nights, promote, promote_three_nights
from tests.support import CPU, GPU, case, make_run, run_data, slowed, usual_times, write_run


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(tmp_path, monkeypatch)


@pytest.fixture
def _three_nights() -> None:
    promote_three_nights()


def dirty_run(day: int) -> str:
    data = run_data(day=day)
    data["commit_info"]["dirty"] = True
    path = Path(f"dirty{day}.json")
    path.write_text(json.dumps(data))
    return str(path)


@pytest.mark.usefixtures("_three_nights")
def test_the_file_tells_who_promoted_what_and_why() -> None:
    assert promote() == ExitCode.PASS
    first, second = baseline().changes
    assert (first.by, first.reason, first.accepted) == ("Ana Author <ana@example.invalid>", "first week", [])
    assert [(run.file, run.datetime[:10], run.commit) for run in first.runs] == [
        (f"first/{day:04d}.json", f"2030-01-{day:02d}", f"{day:040x}") for day in (1, 2, 3)
    ]
    assert [run.run_id for run in first.runs] == [replicate.run_id for replicate in baseline().replicates[:3]]
    assert (second.reason, len(second.runs)) == ("", 1)
    assert baseline().reason == "first week"


@pytest.mark.usefixtures("_three_nights")
def test_a_promotion_adds_lines_and_changes_none_of_the_others() -> None:
    before = FILE.read_text().splitlines()
    assert promote() == ExitCode.PASS
    after = FILE.read_text().splitlines()
    kept = iter(after)
    missing = [line for line in before if line not in kept]  # in their order
    # A comma where a list went on is all that may differ.
    assert all(f"{line}," in after for line in missing)
    assert len(missing) <= 2


def test_force_alone_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(None, "--force") == ExitCode.USAGE
    assert promote(None, "--force", "--reason", "  ") == ExitCode.USAGE
    assert "--force needs --reason" in capsys.readouterr().err
    assert not FILE.exists()


@pytest.mark.usefixtures("_three_nights")
def test_a_regression_needs_force_and_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    times = slowed(usual_times(), HURT, 1.08)
    assert promote(times) == ExitCode.FAIL
    assert "say why with --force --reason" in capsys.readouterr().out
    assert promote(times, "--reason", "known loss") == ExitCode.FAIL
    assert promote(times, *FORCED) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert f"accepted: {HURT} is REGRESSED (its time +8." in shown
    assert f"start their replicates anew: {HURT}\n" in shown
    assert nights(HURT) == ["04"]
    assert nights(case()) == ["01", "02", "03", "04"]
    change = baseline().changes[-1]
    assert change.reason == "known loss"
    assert change.accepted[0].startswith(f"{HURT} is REGRESSED")
    # The anchor stays where the first review put it.
    assert change.anchors_moved == []
    assert anchor_s() == pytest.approx(8e-4, rel=0.01)


@pytest.mark.usefixtures("_three_nights")
def test_uncommitted_changes_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    run, before = dirty_run(4), FILE.read_bytes()
    assert main(["promote", run]) == ExitCode.USAGE
    assert "dirty4.json: measured with uncommitted changes" in capsys.readouterr().err
    assert main(["promote", run, "--reason", "a hurry"]) == ExitCode.USAGE
    assert FILE.read_bytes() == before
    assert main(["promote", run, *FORCED]) == ExitCode.PASS
    assert baseline().changes[-1].accepted[0].startswith("dirty4.json: measured with uncommitted")


@pytest.mark.usefixtures("_three_nights")
def test_an_incomplete_run_adds_what_it_has_and_takes_nothing_away() -> None:
    partial = {which: times for which, times in usual_times().items() if which != HURT}
    assert promote(partial, "--reason", "cut short") == ExitCode.FAIL
    assert promote(partial, *FORCED) == ExitCode.PASS
    assert nights(HURT) == ["01", "02", "03"]
    assert nights(case()) == ["01", "02", "03", "04"]
    assert anchor_s() == pytest.approx(8e-4, rel=0.01)


@pytest.mark.usefixtures("_three_nights")
def test_a_broken_case_is_never_promoted() -> None:
    broken = Outcome(**HURT._asdict(), status=Status.BROKEN, reason="cosine 0.1")
    others = {which: times for which, times in usual_times().items() if which != HURT}
    assert promote(others, *FORCED, outcomes=(broken,)) == ExitCode.PASS
    assert nights(HURT) == ["01", "02", "03"]
    # Nor where another process of the same promotion measured it.
    runs = [
        str(write_run(Path("sound"), day=5)),
        str(write_run(Path("broken"), others, day=6, outcomes=(broken,))),
    ]
    assert main(["promote", *runs, *FORCED]) == ExitCode.PASS
    assert nights(HURT) == ["01", "02", "03"]
    assert nights(case()) == ["01", "02", "03", "04", "05", "06"]


def test_other_hardware_takes_a_baseline_over_by_force_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(day=1) == ExitCode.PASS
    other = str(write_run(Path("cpu"), day=2, hardware=CPU))
    assert main(["promote", other, "--baseline", str(FILE)]) == ExitCode.NOT_JUDGED
    assert main(["promote", other, "--baseline", str(FILE), "--reason", "new name"]) == ExitCode.NOT_JUDGED
    assert baseline().hardware == GPU
    assert main(["promote", other, "--baseline", str(FILE), *FORCED]) == ExitCode.PASS
    assert baseline().hardware == CPU
    assert len(baseline().replicates) == 1
    assert baseline().changes[-1].accepted[0].startswith("the baseline was of other hardware (Made Up GPU")
    mixed = str(write_run(Path("gpu"), day=3))
    assert main(["promote", other, mixed, *FORCED]) == ExitCode.NOT_JUDGED
    assert "different hardware" in capsys.readouterr().out


def test_one_night_among_several_that_lies_elsewhere_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """With no baseline to judge against, the runs are held to each other."""
    slow = {which: (2 * r, 2 * v) for which, (r, v) in usual_times().items()}
    runs = [str(write_run(Path("runs"), slow if day == 3 else None, day=day)) for day in (1, 2, 3, 4)]
    assert main(["promote", *runs]) == ExitCode.INCONCLUSIVE
    shown = capsys.readouterr().out
    assert shown.startswith("not promoted: runs/0003.json: an outlier, its times lie +")
    assert shown.count("an outlier") == 1
    assert main(["promote", *runs, "--reason", "as it is"]) == ExitCode.PASS


def test_a_stale_level_is_told_with_age_and_distance(capsys: pytest.CaptureFixture[str]) -> None:
    for day in (1, 2, 3):
        data = run_data(day=day)
        data["datetime"] = f"2030-03-{day:02d}T02:14:09+00:00"
        path = Path(f"march{day}.json")
        path.write_text(json.dumps(data))
        assert main(["promote", str(path)]) == ExitCode.PASS
    capsys.readouterr()
    assert promote(day=20) == ExitCode.INCONCLUSIVE
    shown = capsys.readouterr().out
    assert "a stale level, 42 days older than the newest replicate of the baseline and " in shown
    assert "% from its level (times, median over cases)" in shown
    assert promote(None, "--reason", "the bisected commit", day=20) == ExitCode.PASS


@pytest.mark.usefixtures("_three_nights")
def test_only_the_chosen_cases_are_promoted() -> None:
    times = slowed(usual_times(), HURT, 1.3)
    assert promote(times, "--cases", "*/trt-fp16/*") == ExitCode.PASS
    assert nights(case()) == ["01", "02", "03", "04"]
    assert nights(HURT) == ["01", "02", "03"]
    assert baseline().changes[-1].cases == "*/trt-fp16/*"
    # The rest of the same run can follow, but nothing twice.
    assert promote(times, "--cases", "*/eager-fp32/*") == ExitCode.PASS
    assert nights(case("eager-fp32")) == ["01", "02", "03", "04"]
    assert len(baseline().replicates) == 4
    assert promote(times, "--cases", "*/trt-fp16/*") == ExitCode.NOT_JUDGED
    assert promote(times, "--cases", "*") == ExitCode.NOT_JUDGED
    assert promote(times, "--cases", "*/trt-int8/*") == ExitCode.FAIL


@pytest.mark.usefixtures("_three_nights")
def test_what_is_said_of_other_cases_is_no_objection() -> None:
    doubled = slowed(usual_times(), HURT, 0.4)
    runs = [str(write_run(Path("doubled"), doubled, day=day)) for day in (4, 5)]
    assert main(["promote", *runs]) == ExitCode.INCONCLUSIVE  # too good to be true
    assert main(["promote", *runs, "--cases", "*/trt-fp16/*"]) == ExitCode.PASS
    assert main(["promote", *runs, "--cases", str(HURT)]) == ExitCode.INCONCLUSIVE


def test_the_baseline_that_chosen_cases_are_judged_against_lacks_their_own_process_alone() -> None:
    own, other = make_run({case(): (4e-3, 1e-3)}, day=1), make_run({case("trt-fp8"): (4e-3, 1e-3)}, day=2)
    known = Baseline("known", GPU, (own.replicate, other.replicate))
    left = judged_against(known, [own], str(HURT))
    assert left is not None
    assert left.replicates == (other.replicate,)
    assert judged_against(known, [own], "*/trt-fp16/*") == known
    assert judged_against(known, [own], None) is known
    assert judged_against(None, [own], "*") is None


@pytest.mark.usefixtures("_three_nights")
def test_a_glob_that_fits_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert promote(None, "--cases", "vgg*") == ExitCode.NOT_JUDGED
    assert "the run measured no case that fits vgg*" in capsys.readouterr().out


@pytest.mark.usefixtures("_three_nights")
def test_scripts_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert promote(slowed(usual_times(), HURT, 1.3), "--json") == ExitCode.FAIL
    refused = json.loads(capsys.readouterr().out)
    assert (refused["promoted"], refused["exit_code"]) == (False, 1)
    assert "REGRESSED" in refused["why"]
    assert promote(None, "--json", day=5) == ExitCode.PASS
    done = json.loads(capsys.readouterr().out)
    assert (done["promoted"], done["baseline"], done["replicates"]) == (True, str(FILE), 4)
    assert done["foresight"]["cases"] == 12


@pytest.mark.usefixtures("_three_nights")
def test_a_waiver_lets_nothing_into_the_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    Path("perfkit-waivers.toml").write_text(
        '[[waiver]]\ncase = "*"\nmetric = "*"\nsize = "50%"\nowner = "ana"\nreason = "r"\nexpires = 2031-01-01\n'
    )
    run = str(write_run(Path("waived"), slowed(usual_times(), HURT, 1.3), day=9))
    assert main(["compare", "auto", run]) == ExitCode.PASS
    assert "~ WAIVED" in capsys.readouterr().out
    assert main(["promote", run]) == ExitCode.FAIL
    assert "is REGRESSED" in capsys.readouterr().out


def test_a_run_in_a_baselines_place_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(Path("run"), day=1)
    before = run.read_bytes()
    assert promote(None, "--baseline", str(run)) == ExitCode.USAGE
    assert main(["baseline", "prune", str(run), "--keep", "1"]) == ExitCode.USAGE
    assert capsys.readouterr().err.count("is no baseline and would be overwritten") == 2
    assert run.read_bytes() == before


def test_a_repeat_of_few_cases_is_no_outlier() -> None:
    runs = [str(write_run(Path("runs"), day=day)) for day in (1, 2, 3)]
    repeated = slowed({HURT: usual_times()[HURT]}, HURT, 1.2)
    repeated = {which: (1.2 * reference_s, variant_s) for which, (reference_s, variant_s) in repeated.items()}
    assert main(["promote", *runs, str(write_run(Path("runs"), repeated, day=4))]) == ExitCode.PASS


@pytest.mark.usefixtures("_three_nights")
def test_a_refusal_names_a_few_cases_and_json_all(capsys: pytest.CaptureFixture[str]) -> None:
    """The dozens of cases of one cause are a line that can be read."""
    times = usual_times()
    for hurt in [each for each in times if each.variant == "trt-int8"]:
        times = slowed(times, hurt, 1.4)
    capsys.readouterr()
    assert promote(times) == ExitCode.FAIL
    (line,) = capsys.readouterr().out.splitlines()
    assert line.count(" is REGRESSED (") == 3
    assert " and 1 more (--json tells all); if that is as it should be, say why with --force --reason" in line
    assert promote(times, "--json") == ExitCode.FAIL
    assert json.loads(capsys.readouterr().out)["why"].count(" is REGRESSED (") == 4
