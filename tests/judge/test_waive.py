"""Waivers: what they excuse, and what they don't."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.catalog.waivers import Waiver
from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.verdict import Verdict
from perfkit.judge.waive import Standing, standings
from perfkit.record.facts import BuildFacts
from tests.judge.helpers import HURT, baseline_of, others, row_of, usual_baseline
from tests.support import make_run, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement

LAST_DAY = dt.date(2030, 1, 9)
"""The day of the run that is judged."""


def waiver(**different: Any) -> Waiver:
    told = {
        "case": "resnet50/trt-int8/*",
        "metric": "*",
        "size": "12%",
        "owner": "ana",
        "reason": "new kernel lands in March",
        "expires": LAST_DAY,
        "number": 1,
    }
    return Waiver.model_validate(told | different)


def judged_with(*waivers: Waiver, factor: float = 1.1, **options: Any) -> Judgement:
    run = make_run(slowed(usual_times(), HURT, factor), day=9, **options)
    return judge(usual_baseline(), [run], waivers=waivers)


def test_a_regression_within_its_waiver_is_waived_and_fails_nothing() -> None:
    judgement = judged_with(waiver())
    row = row_of(judgement)
    assert row.verdict is Verdict.WAIVED
    assert row.reason.startswith("waived by ana until 2030-01-09, up to 12% (new kernel lands in March): its time +10.")
    assert row.waiver is not None
    assert (row.waiver.number, row.waiver.owner, row.waiver.size) == (1, "ana", "12%")
    assert judgement.counts[Verdict.WAIVED] == 1
    assert others(judgement) == {Verdict.PASS}
    assert judgement.exit_code is ExitCode.PASS


@pytest.mark.parametrize(
    ("different", "note"),
    [
        ({"size": "8%"}, r"not waived: its \w+ \w+ is 1\d\.\d% slower, ana's waiver allows 8% \(new kernel"),
        ({"expires": dt.date(2030, 1, 8)}, r"not waived: ana's waiver expired on 2030-01-08 \(new kernel"),
        ({"metric": "device time"}, r"not waived: no waiver of the case is of its device speedup"),
    ],
)
def test_beyond_its_size_its_day_or_its_metric_it_is_still_regressed(different: dict[str, Any], note: str) -> None:
    judgement = judged_with(waiver(**different))
    row = row_of(judgement)
    assert row.verdict is Verdict.REGRESSED
    assert row.waiver is None
    assert re.match(note, row.notes[0])
    assert judgement.exit_code is ExitCode.FAIL


def test_another_cases_waiver_is_not_even_mentioned() -> None:
    row = row_of(judged_with(waiver(case="mobilenet_v2/*")))
    assert row.verdict is Verdict.REGRESSED
    assert row.notes == row_of(judged_with()).notes


def test_two_waivers_cover_a_case_together_and_the_first_to_end_is_told() -> None:
    speedups = waiver(metric="* speedup", expires=dt.date(2030, 3, 1), number=1)
    times = waiver(metric="* time", size="0.2 ms", owner="ben", expires=dt.date(2030, 2, 1), number=2)
    row = row_of(judged_with(speedups, times))
    assert row.verdict is Verdict.WAIVED
    assert row.waiver is not None
    assert row.waiver.owner == "ben"
    small = waiver(metric="* time", size="0.05 ms", number=2)
    assert row_of(judged_with(speedups, small)).verdict is Verdict.REGRESSED


def test_a_wider_waiver_after_a_narrow_one_counts() -> None:
    assert row_of(judged_with(waiver(size="1%"), waiver(size="20%", owner="ben"))).verdict is Verdict.WAIVED


def test_worse_builds_are_never_waived() -> None:
    facts = BuildFacts(build_s=2.5, engines=4, layers=56, fallback_ops=3)
    run = make_run(slowed(usual_times(), HURT, 1.1), day=9, facts=facts)
    row = row_of(judge(usual_baseline(), [run], waivers=[waiver(size="50%")]))
    assert row.verdict is Verdict.REGRESSED
    assert row.notes[0].startswith("not waived: a waiver covers times and speedups, not ")
    unchanged_in_time = make_run(day=9, facts=facts)
    assert row_of(judge(usual_baseline(), [unchanged_in_time], waivers=[waiver()])).verdict is Verdict.REGRESSED


@pytest.mark.parametrize("factor", [0.8, 1.0])
def test_what_is_no_regression_needs_no_waiver(factor: float) -> None:
    assert judged_with(waiver(), factor=factor) == judged_with(factor=factor)


@pytest.mark.parametrize(
    ("different", "factor", "today", "standing"),
    [
        ({}, 1.1, LAST_DAY, Standing.USED),
        ({}, 1.3, LAST_DAY, Standing.EXCEEDED),
        ({}, 1.0, LAST_DAY, Standing.UNUSED),
        ({"case": "vgg16/*"}, 1.1, LAST_DAY, Standing.UNUSED),
        ({}, 1.1, LAST_DAY + dt.timedelta(days=1), Standing.EXPIRED),
    ],
)
def test_what_a_waiver_is_good_for(
    different: dict[str, Any], factor: float, today: dt.date, standing: Standing
) -> None:
    given = waiver(**different)
    judgement = judged_with(given, factor=factor)
    assert list(standings([given], judgement, today)) == [(given, standing)]


@settings(max_examples=25)
@given(st.floats(min_value=1.0, max_value=1.4), st.floats(min_value=1.0, max_value=1.4), st.integers(1, 40))
def test_a_slower_variant_never_gets_a_better_verdict_by_a_waiver(one: float, other: float, percent: int) -> None:
    ranks = [
        [Verdict.PASS, Verdict.WAIVED, Verdict.REGRESSED].index(
            row_of(judged_with(waiver(size=f"{percent}%"), factor=factor)).verdict
        )
        for factor in sorted((one, other))
    ]
    assert ranks == sorted(ranks)


def test_a_run_without_a_date_has_no_waiver() -> None:
    run = make_run(slowed(usual_times(), HURT, 1.1), day=9)
    undated = run.model_copy(update={"replicate": run.replicate.model_copy(update={"datetime": "tonight"})})
    row = row_of(judge(usual_baseline(), [undated], waivers=[waiver()]))
    assert row.verdict is Verdict.REGRESSED
    assert row.notes[0] == "not waived: the run has no date, and a waiver ends on one"


def test_the_day_is_that_of_the_newest_replicate() -> None:
    times = slowed(usual_times(), HURT, 1.1)
    runs = [make_run(times, day=day) for day in (9, 10)]
    assert row_of(judge(usual_baseline(), runs, waivers=[waiver()])).verdict is Verdict.REGRESSED
    assert row_of(judge(usual_baseline(), runs[:1], waivers=[waiver()])).verdict is Verdict.WAIVED


def test_a_speedup_counts_as_the_slowdown_that_it_is() -> None:
    """From 5x to 3.33x is 50% more time, not 33%."""
    runs = [make_run(slowed(usual_times(), HURT, 1.5), day=9)]
    for size, verdict in (("49%", Verdict.REGRESSED), ("51%", Verdict.WAIVED)):
        judgement = judge(baseline_of(*(make_run(day=day) for day in (1, 2, 3))), runs, waivers=[waiver(size=size)])
        assert row_of(judgement).verdict is verdict
