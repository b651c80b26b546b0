"""Anchors: small steps that add up."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.catalog.waivers import Waiver
from perfkit.judge.anchors import anchors_of
from perfkit.judge.compare import judge
from perfkit.judge.verdict import FindingKind, Verdict
from perfkit.record.baseline import Baseline
from tests.judge.helpers import HURT, baseline_of, kinds, row_of, scaled
from tests.support import make_run, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement
    from tests.support import Times

DAYS = (1, 2, 3)


def drifted(times: Times, **options: Any) -> Baseline:
    """A baseline at ``times`` whose anchors are at the usual ones."""
    first = baseline_of(*(make_run(day=day) for day in DAYS))
    now = baseline_of(*(make_run(times, day=day, **options) for day in (4, 5, 6)))
    return Baseline("drifted", now.hardware, now.replicates, anchors=tuple(anchors_of(first)))


def judged(baseline: Baseline, times: Times, **options: Any) -> Judgement:
    return judge(baseline, [make_run(times, day=9, **options)])


def test_steps_that_add_up_are_flagged_though_no_night_showed_them() -> None:
    baseline = drifted(slowed(usual_times(), HURT, 1.1))
    judgement = judged(baseline, slowed(usual_times(), HURT, 1.12))
    row = row_of(judgement)
    assert row.verdict is Verdict.PASS
    assert row.drift_pct == pytest.approx(12, abs=0.5)
    (finding,) = [finding for finding in judgement.findings if finding.kind is FindingKind.DRIFT]
    assert finding.cases == (HURT,)
    assert finding.text.startswith(f"1 case, the most {HURT}: 1")
    assert "slower than its anchor of 2030-01-03 (commit 000000000000) by its device " in finding.text
    assert "10% is tolerated" in finding.text


def test_within_the_tolerance_nothing_is_said() -> None:
    times = slowed(usual_times(), HURT, 1.08)
    judgement = judged(drifted(times), times)
    assert FindingKind.DRIFT not in kinds(judgement)
    assert row_of(judgement).drift_pct is None


def test_what_is_waived_took_one_step_and_is_no_slow_drift() -> None:
    excused = Waiver.model_validate(
        {"case": str(HURT), "metric": "*", "size": "30%", "owner": "ana", "reason": "lands in March"}
        | {"expires": dt.date(2030, 1, 9), "number": 1}
    )
    run = make_run(slowed(usual_times(), HURT, 1.2), day=9)
    judgement = judge(drifted(usual_times()), [run], waivers=[excused])
    row = row_of(judgement)
    assert row.verdict is Verdict.WAIVED
    assert row.drift_pct == pytest.approx(20, abs=1)
    assert FindingKind.DRIFT not in kinds(judgement)


def test_a_regression_has_its_own_verdict_and_says_how_far_it_is_from_its_anchor() -> None:
    judgement = judged(drifted(slowed(usual_times(), HURT, 1.08)), slowed(usual_times(), HURT, 1.2))
    row = row_of(judgement)
    assert row.verdict is Verdict.REGRESSED
    assert row.drift_pct == pytest.approx(20, abs=1)
    assert FindingKind.DRIFT not in kinds(judgement)


def test_a_gain_is_no_drift() -> None:
    times = slowed(usual_times(), HURT, 0.7)
    assert FindingKind.DRIFT not in kinds(judged(drifted(times), times))


def test_a_faster_reference_is_nobodys_drift() -> None:
    """The speedups fell, the variants are what they were."""
    times = scaled(usual_times(), reference=0.85)
    judgement = judged(drifted(times), times)
    assert FindingKind.DRIFT not in kinds(judgement)


def test_what_all_share_is_told_once_and_of_no_case() -> None:
    times = scaled(usual_times(), reference=1.15, variant=1.15)
    judgement = judged(drifted(times), times)
    (finding,) = [finding for finding in judgement.findings if finding.kind is FindingKind.DRIFT]
    assert finding.cases == ()
    assert finding.text.startswith("references and variants together, device time +15.")
    assert all(row.drift_pct is None for row in judgement.rows)


def test_a_slow_night_is_a_common_shift_and_not_told_twice() -> None:
    times = scaled(usual_times(), reference=1.3, variant=1.3)
    judgement = judged(drifted(usual_times()), times)
    assert FindingKind.COMMON_SHIFT in kinds(judgement)
    assert FindingKind.DRIFT not in kinds(judgement)


def test_noise_is_no_drift() -> None:
    """Where processes differ by so much that chance explains the distance."""
    times = slowed(usual_times(), HURT, 1.12)
    assert FindingKind.DRIFT not in kinds(judged(drifted(times, between=0.1), times))


def test_conditions_that_changed_have_no_distance() -> None:
    times = slowed(usual_times(), HURT, 1.2)
    judgement = judged(drifted(times, weights="others"), times)
    assert FindingKind.DRIFT not in kinds(judgement)


def test_a_run_as_baseline_has_no_anchors() -> None:
    times = slowed(usual_times(), HURT, 1.2)
    assert FindingKind.DRIFT not in kinds(judged(baseline_of(make_run(times, day=4)), times))
