"""The same faults in a record of perfkit's own, with rounds and facts beside the statistics."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.verdict import FindingKind, Judgement, Verdict
from perfkit.record.baseline import Baseline
from perfkit.record.hardware import hardware_from_machine_info, same_hardware
from perfkit.record.read import run_from_json
from tests import damage
from tests.support import GPU, benchmark_of, case, make_run, run_data, usual_times

if TYPE_CHECKING:
    from perfkit.catalog.case import CaseId

HURT = case("trt-int8")


def baseline(nights: int = 3) -> Baseline:
    replicates = tuple(make_run(day=day).replicate for day in range(1, nights + 1))
    return Baseline("the baseline", GPU, replicates)


def judged(data: dict[str, Any]) -> Judgement:
    return judge(baseline(), [run_from_json(json.loads(json.dumps(data)), "damaged.json")])


def verdict_of(judgement: Judgement, which: CaseId) -> Verdict:
    (row,) = [row for row in judgement.rows if row.case == which]
    return row.verdict


def others(judgement: Judgement) -> set[Verdict]:
    return {row.verdict for row in judgement.rows if row.case != HURT}


def test_undamaged_it_passes() -> None:
    judgement = judged(run_data(day=9))
    assert judgement.counts == {Verdict.PASS: 12}
    assert judgement.exit_code is ExitCode.PASS


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0.0, "time is not positive (0 s)"),
        (-1.0, "time is negative (-1 s)"),
        (math.nan, "time is not finite (nan)"),
        (math.inf, "time is not finite (inf)"),
        (1e-12, "time is not plausible (1e-12 s)"),
    ],
)
def test_what_is_no_time_breaks_its_case_alone(value: float, reason: str) -> None:
    data = run_data(day=9)
    damage.set_times(data, HURT, lambda _: value)
    judgement = judged(data)
    assert verdict_of(judgement, HURT) is Verdict.BROKEN
    assert reason in judgement.rows[0].reason
    assert others(judgement) == {Verdict.PASS}
    assert judgement.exit_code is ExitCode.FAIL


def test_one_bad_round_breaks_its_case() -> None:
    data = run_data(day=9)
    rounds = benchmark_of(data, HURT)["extra_info"]["perfkit"]["rounds"]
    rounds["variant_device_s"][6] = math.nan
    judgement = judged(data)
    assert judgement.rows[0].reason == ("time is not finite (nan) in rounds.variant_device_s, round 7")


def test_an_answer_that_is_not_finite_breaks_its_case() -> None:
    data = run_data(day=9)
    agreement = benchmark_of(data, HURT)["extra_info"]["perfkit"]["agreement"]
    agreement["cosine_min"] = math.nan
    judgement = judged(data)
    assert verdict_of(judgement, HURT) is Verdict.BROKEN
    assert judgement.rows[0].reason == "agreement.cosine_min is not finite (nan)"


def test_slower_is_regressed() -> None:
    data = run_data(day=9)
    damage.set_times(data, HURT, lambda time: time * 1.3)
    judgement = judged(data)
    assert verdict_of(judgement, HURT) is Verdict.REGRESSED
    assert others(judgement) == {Verdict.PASS}


def test_statistics_that_contradict_the_rounds_break_the_case() -> None:
    data = run_data(day=9)
    stats = benchmark_of(data, HURT)["stats"]
    stats.update({name: stats[name] * 1.3 for name in ("min", "max", "mean", "median")})
    judgement = judged(data)
    assert verdict_of(judgement, HURT) is Verdict.BROKEN
    assert "stats and rounds disagree" in judgement.rows[0].reason


def test_another_unit_is_no_pass() -> None:
    data = run_data(day=9)
    damage.milliseconds(data, list(usual_times()))
    judgement = judged(data)
    assert judgement.exit_code is ExitCode.INCONCLUSIVE
    assert FindingKind.COMMON_SHIFT in {finding.kind for finding in judgement.findings}


def test_a_case_that_is_gone_is_missing() -> None:
    data = run_data(day=9)
    damage.drop(data, HURT)
    judgement = judged(data)
    assert verdict_of(judgement, HURT) is Verdict.MISSING
    assert others(judgement) == {Verdict.PASS}
    assert judgement.exit_code is ExitCode.FAIL


def test_an_empty_file_of_a_run_is_all_missing() -> None:
    data = run_data(day=9)
    data["benchmarks"] = []
    judgement = judged(data)
    assert judgement.counts == {Verdict.MISSING: 12}
    assert judgement.exit_code is ExitCode.FAIL
    assert "but the file holds no times" in judgement.rows[0].reason


def test_a_duplicate_is_broken() -> None:
    data = run_data(day=9)
    damage.duplicate(data, HURT, 1.6)
    judgement = judged(data)
    assert verdict_of(judgement, HURT) is Verdict.BROKEN
    assert others(judgement) == {Verdict.PASS}


def test_moved_files_change_nothing() -> None:
    data = run_data(day=9)
    for entry in data["benchmarks"]:
        entry["fullname"] = "elsewhere/" + entry["fullname"]
    assert judged(data).counts == {Verdict.PASS: 12}


def test_one_round_decides_nothing() -> None:
    data = run_data(day=9)
    damage.set_times(data, HURT, lambda time: time * 2)
    damage.one_round(data)
    judgement = judged(data)
    assert judgement.counts == {Verdict.INCONCLUSIVE: 12}
    assert judgement.rows[0].reason == "only 1 of at least 5 rounds in a replicate"


def test_clock_readings_are_not_the_hardware() -> None:
    facts = {"cpu": {"brand_raw": "A CPU", "count": 4, "hz_actual": [2_000_000_000, 0]}, "node": "a"}
    moved = {"cpu": {"brand_raw": "A CPU", "count": 4, "hz_actual": [2_018_547_000, 0]}, "node": "b"}
    assert same_hardware(hardware_from_machine_info(facts), hardware_from_machine_info(moved))


def test_an_old_version_is_named() -> None:
    data = run_data(day=9) | {"version": "3.0.0", "datetime": "2030-01-09T02:14:09"}
    with pytest.raises(UserError, match=r"pytest-benchmark 3\.0\.0; known are 4 and 5"):
        judged(data)


def test_control_characters_are_carried_through_nowhere() -> None:
    data = run_data(day=9)
    for entry in data["benchmarks"]:
        entry["extra_info"]["note"] = '\x1b[31m[E]\x1b[0m <a> & "b" \x00\x08\ufffe ]]>'
    assert judged(data).counts == {Verdict.PASS: 12}
