from __future__ import annotations

from typing import Any

import pytest

from perfkit.judge import drill as drills
from perfkit.judge.compare import judge
from perfkit.judge.drill import CANARY, Check, drill, false_alarms
from perfkit.judge.limits import Limits
from perfkit.judge.verdict import Judgement, Side, Verdict
from perfkit.record.schema import Outcome, Status
from tests.support import case, make_run, usual_times

USUAL = Limits()


def named(checks: list[Check]) -> dict[str, tuple[int, int]]:
    return {check.fault: (check.named, check.of) for check in checks}


@pytest.mark.case("C11")
@pytest.mark.parametrize("nights", [1, 3])
def test_a_sound_judge_names_what_is_demanded(nights: int) -> None:
    checks = drill([make_run(day=day) for day in range(1, nights + 1)], USUAL)
    assert all(check.passed for check in checks)
    found = named(checks)
    assert found["the run against itself is refused"] == (1, 1)
    assert found["the same numbers as another run: no case moved"] == (1, 1)
    assert found["one case slower by 30%"] == found["one case faster by 30%, swapped"] == (12, 12)
    assert found["one case vanished"] == found["answers of one case 20 dB noisier"] == (12, 12)


def test_larger_faults_are_named_no_less_often() -> None:
    found = named(drill([make_run(day=day, between=0.03) for day in (1, 2, 3)], USUAL))
    counts = [found[f"one case slower by {share:.0%}"][0] for share in drills.SLOWER]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_cases_that_were_not_measured_are_left_out() -> None:
    gone = Outcome(**case("trt-fp8")._asdict(), status=Status.NOT_RUN)
    assert named(drill([make_run(outcomes=(gone,))], USUAL)) == named(drill([make_run()], USUAL))


def test_a_judge_that_sleeps_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """It passes everything: refuses no run, misses every fault."""
    nobody = Side(source="nothing", replicates=1, commits=(), hardware="none")
    sleeping = Judgement(run=nobody, baseline=nobody, rows=())
    monkeypatch.setattr(drills, "judge", lambda *_: sleeping)
    checks = drill([make_run()], USUAL)
    assert {check.fault for check in checks if not check.passed} == {
        "the run against itself is refused",
        f"one case slower by {CANARY:.0%}",
        f"one case faster by {CANARY:.0%}, swapped",
        "one case vanished",
        "answers of one case 20 dB noisier",
    }


def test_a_fault_must_be_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that names every case names the slowed one too."""

    def crying_wolf(*held: Any) -> Judgement:
        judgement = judge(*held)
        rows = tuple(row.model_copy(update={"verdict": Verdict.REGRESSED}) for row in judgement.rows)
        return judgement.model_copy(update={"rows": rows})

    monkeypatch.setattr(drills, "judge", crying_wolf)
    assert named(drill([make_run()], USUAL))[f"one case slower by {CANARY:.0%}"] == (0, 12)


def test_false_alarms_between_replicates_are_counted() -> None:
    times = usual_times()
    slow = {c: (reference, variant * 1.4) for c, (reference, variant) in times.items()}
    assert false_alarms([make_run(day=1)], USUAL) == (0, 0)
    assert false_alarms([make_run(day=day) for day in (1, 2, 3)], USUAL) == (0, 36)
    alarms, judged = false_alarms([*(make_run(day=day) for day in (1, 2, 3)), make_run(slow, day=4)], USUAL)
    assert judged == 48
    assert alarms >= 8
