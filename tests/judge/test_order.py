"""Variants held to each other, as a project's ``[judging]`` demands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfkit.catalog.config import load_config
from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.verdict import Verdict
from tests.judge.helpers import HURT, others, row_of, usual_baseline
from tests.support import case, make_run, slowed, usual_times, write_run

FP16 = case("trt-fp16")


def demanding(folder: Path, factor: str, more: str = "") -> Limits:
    entry = f'[judging."*/trt-int8/*"]\nminimum_speed = {{ "trt-fp16" = "{factor}" }}\n{more}'
    (folder / "perfkit.toml").write_text(entry, encoding="utf-8")
    return Limits.of(load_config(folder))


@pytest.mark.case("B01")
@pytest.mark.parametrize(("factor", "verdict"), [("1.2x", Verdict.PASS), ("1.3 x", Verdict.REGRESSED)])
def test_a_case_that_hasnt_moved_is_held_to_another_variant(tmp_path: Path, factor: str, verdict: Verdict) -> None:
    judgement = judge(usual_baseline(), [make_run(day=9)], demanding(tmp_path, factor))
    assert {row.verdict for row in judgement.rows if row.variant == "trt-int8"} == {verdict}
    assert {row.verdict for row in judgement.rows if row.variant != "trt-int8"} == {Verdict.PASS}
    assert judgement.exit_code is (ExitCode.PASS if verdict is Verdict.PASS else ExitCode.FAIL)


def test_a_faster_other_variant_can_make_it_too_slow(tmp_path: Path) -> None:
    limits = demanding(tmp_path, "1.0x")
    judgement = judge(usual_baseline(), [make_run(slowed(usual_times(), FP16, 0.7), day=9)], limits)
    assert row_of(judgement).verdict is Verdict.REGRESSED
    assert row_of(judgement).reason.startswith("0.87x the speed of trt-fp16 on this shape, [judging] demands 1x")
    assert row_of(judgement, FP16).verdict is Verdict.IMPROVED


def test_who_is_as_fast_as_is_demanded_never_fails_by_chance(tmp_path: Path) -> None:
    """1.25x is what it has; a night's times lie a little above and below it."""
    limits = demanding(tmp_path, "1.25x")
    judgements = [judge(usual_baseline(), [make_run(day=day)], limits) for day in range(9, 19)]
    assert {row_of(judgement).verdict for judgement in judgements} == {Verdict.PASS}


def test_what_is_worse_for_other_reasons_keeps_them(tmp_path: Path) -> None:
    run = make_run(slowed(usual_times(), HURT, 1.5), day=9)
    plain, held = (judge(usual_baseline(), [run], limits) for limits in (Limits(), demanding(tmp_path, "1.0x")))
    assert row_of(held) == row_of(plain)
    assert others(held) == {Verdict.PASS}


def test_a_variant_that_wasnt_measured_demands_nothing(tmp_path: Path) -> None:
    times = {each: found for each, found in usual_times().items() if each.variant != "trt-fp16"}
    judgement = judge(usual_baseline(), [make_run(times, day=9)], demanding(tmp_path, "9x"))
    assert row_of(judgement).verdict is Verdict.PASS


def test_the_first_glob_that_names_the_variant_counts(tmp_path: Path) -> None:
    limits = demanding(tmp_path, "1.0x", '[judging."*"]\nminimum_speed = { "trt-fp16" = "9x", "eager-fp32" = "2x" }\n')
    assert limits.minimum_speeds(HURT) == {"trt-fp16": 1.0, "eager-fp32": 2.0}
    assert limits.minimum_speeds(FP16) == {"trt-fp16": 9.0, "eager-fp32": 2.0}


def test_no_waiver_covers_it_and_a_promotion_by_force_keeps_the_replicates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    nights = [str(write_run(Path("nights"), day=day)) for day in (1, 2, 3)]
    assert main(["promote", *nights]) == ExitCode.PASS
    demanding(tmp_path, "2x")
    (tmp_path / "perfkit-waivers.toml").write_text(
        '[[waiver]]\ncase = "*"\nmetric = "*"\nsize = "500%"\nowner = "ana"\nreason = "r"\nexpires = 2031-01-01\n'
    )
    run = str(write_run(Path("run"), day=9))
    assert main(["compare", "auto", run]) == ExitCode.FAIL
    slower = str(write_run(Path("slower"), slowed(usual_times(), HURT, 1.2), day=8))
    capsys.readouterr()
    assert main(["compare", "auto", slower, "--json"]) == ExitCode.FAIL
    rows = json.loads(capsys.readouterr().out)["rows"]
    (row,) = [row for row in rows if (row["model"], row["variant"], row["shape"]) == HURT]
    assert (row["verdict"], row["waiver"]) == ("REGRESSED", None)
    assert main(["promote", run, "--reason", "known"]) == ExitCode.FAIL
    capsys.readouterr()
    assert main(["promote", run, "--force", "--reason", "known"]) == ExitCode.PASS
    shown = capsys.readouterr().out
    assert "4 replicates" in shown
    assert "start their replicates anew" not in shown
