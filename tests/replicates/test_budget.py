"""Which further replicates are dropped for a time: never a first one, and those first that tell least."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import CaseId, Platform
from perfkit.errors import UserError
from perfkit.judge.limits import Limits
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import Judgement, MetricRow, Row, Side, Verdict
from perfkit.replicates.budget import (
    Certainty,
    Repeat,
    certainties_of,
    drop_to_fit,
    dropped_lines,
    least_telling_first,
    parse_budget,
)
from perfkit.replicates.durations import Durations

if TYPE_CHECKING:
    from collections.abc import Collection

A, B, C = (CaseId("one", f"variant-{name}", "1x3x64x64") for name in "abc")
OTHER = CaseId("two", "variant-a", "1x3x64x64")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90min", 5400), ("90 m", 5400), ("1h30min", 5400), (" 1.5 h ", 5400), ("45s", 45), ("1h 1s", 3601)],
)
def test_a_budget_has_a_unit(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("120", '--budget: 120 has no unit: write "120min" or "120h"'),
        ("2 hours", "--budget: '2 hours' is no duration: write a number with its unit, as in 2h, 90min or 1h30min"),
        ("", "--budget: '' is no duration"),
        ("-1h", "--budget: '-1h' is no duration"),
        ("1h30", "--budget: '1h30' is no duration"),
        ("0min", "--budget: '0min' leaves no time to measure anything"),
        ("9" * 400 + "h", "leaves no time"),
    ],
)
def test_anything_else_is_refused_in_a_line(text: str, told: str) -> None:
    with pytest.raises(UserError) as error:
        parse_budget(text)
    assert told in str(error.value)


def certainty(blindness: float, *, is_open: bool = False) -> Certainty:
    return Certainty(is_open=is_open, blindness=blindness, baseline_replicates=5, replicates=1)


def test_what_is_certain_goes_first_and_what_is_open_or_unknown_last() -> None:
    known = {A: certainty(0.8), B: certainty(0.1), C: certainty(0.1, is_open=True)}
    order = least_telling_first([A, B, C, OTHER], [2], known)
    assert [repeat.case for repeat in order] == [B, A, C, OTHER]


def test_the_later_replicates_of_a_case_go_first() -> None:
    order = least_telling_first([A], [2, 3, 4], {A: certainty(0.5)})
    assert [repeat.number for repeat in order] == [4, 3, 2]


def test_a_fourth_replicate_of_a_blind_case_stays_longer_than_a_second_of_one_that_sees() -> None:
    order = least_telling_first([A, B], [2, 3, 4], {A: certainty(0.1), B: certainty(1.0)})
    assert order.index(Repeat(2, A)) < order.index(Repeat(4, B))


def test_more_replicates_see_more() -> None:
    known = Certainty(is_open=False, blindness=1.0, baseline_replicates=4, replicates=2)
    assert known.with_replicates(2) == pytest.approx(1.0)
    assert known.with_replicates(4) == pytest.approx(math.sqrt((1 / 4 + 1 / 4) / (1 / 4 + 1 / 2)))
    assert known.with_replicates(1) > 1


CASES = st.lists(
    st.builds(CaseId, st.sampled_from("abc"), st.text("xyz", min_size=1), st.just("")), unique=True, max_size=8
)


@given(CASES, st.integers(2, 4), st.floats(0, 200), st.data())
def test_what_is_left_fits_and_one_more_would_not(
    cases: list[CaseId], of: int, budget_s: float, data: st.DataObject
) -> None:
    known = {case: certainty(data.draw(st.floats(0, 2)), is_open=data.draw(st.booleans())) for case in cases}
    durations = Durations(1.0, {case: data.draw(st.floats(0.1, 20)) for case in cases}, start_s=3.0)
    order = least_telling_first(cases, range(2, of + 1), known)

    def takes_s(kept: Collection[Repeat]) -> float:
        return sum(
            durations.of_process(each.case for each in kept if each.number == number) for number in range(2, of + 1)
        )

    dropped = drop_to_fit(order, takes_s, budget_s)
    kept = order[len(dropped) :]
    assert dropped == order[: len(dropped)]
    assert all(repeat.number > 1 for repeat in dropped), "a first replicate is never dropped"
    assert takes_s(kept) <= budget_s or not kept
    assert not dropped or takes_s([dropped[-1], *kept]) > budget_s
    for case in cases:
        left = {repeat.number for repeat in kept if repeat.case == case}
        assert left == set(range(2, 2 + len(left))), "of each case its last replicates went first"


def row(case: CaseId, verdict: Verdict, detectable_pct: float | None) -> Row:
    metric = MetricRow(metric=Metric.WALL_SPEEDUP, baseline_replicates=5, current_replicates=2)
    return Row(
        **case._asdict(),
        verdict=verdict,
        deciding=None if detectable_pct is None else Metric.WALL_SPEEDUP,
        detectable_pct=detectable_pct,
        metrics=(metric,),
    )


def test_certainty_comes_from_the_judgement_and_the_projects_limits() -> None:
    rows = (
        row(A, Verdict.PASS, 10.0),
        row(B, Verdict.INCONCLUSIVE, 30.0),
        row(C, Verdict.BROKEN, None),
        row(OTHER, Verdict.NEW, None),
    )
    run = Side(source="x", replicates=2, commits=(), hardware="cpu")
    found = certainties_of(Judgement(run=run, baseline=None, rows=rows), Limits(), Platform.CPU)
    assert found[A].blindness == pytest.approx(math.log(1.1) / math.log(1.2))
    assert (found[A].is_open, found[A].baseline_replicates, found[A].replicates) == (False, 5, 2)
    assert found[B].is_open
    assert found[B].blindness > 1
    assert [repeat.case for repeat in least_telling_first([A, B, C, OTHER], [3], found)] == [C, A, B, OTHER]


def test_what_was_dropped_is_told_by_model_where_all_of_it_is() -> None:
    dropped = [Repeat(3, A), Repeat(3, B), Repeat(3, C), Repeat(2, A), Repeat(3, OTHER)]
    assert dropped_lines(dropped, [A, B, C, OTHER, OTHER._replace(variant="variant-b")]) == [
        "replicate 2 is without one/variant-a/1x3x64x64",
        "replicate 3 is without one/*, two/variant-a/1x3x64x64",
    ]
    assert dropped_lines(dropped[:3], [A, B, C, C._replace(shape="x")], most=2) == [
        "replicate 3 is without one/variant-a/1x3x64x64, one/variant-b/1x3x64x64 and 1 more"
    ]
