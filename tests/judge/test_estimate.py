"""The statistics that docs/MATH.md derives: levels that hold, and what must not matter."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.judge.estimate import Effect, Scores, effects_of

MINIMUM = math.log1p(0.02)
Family = dict[int, Scores]


def family(
    rng: random.Random, cases: int = 24, before: int = 5, after: int = 3, sd: float = 0.01, differ: float = 0.4
) -> Family:
    """Unchanged cases whose spreads differ, in turns of three models and four variants."""
    found = {}
    for number in range(cases):
        spread = sd * math.exp(rng.gauss(0, differ))
        baseline, current = (tuple(rng.gauss(0, spread) for _ in range(count)) for count in (before, after))
        found[number] = Scores(baseline, current, (), f"variant{number % 4}", f"model{number // 4 % 3}")
    return found


def effects(cases: Family, level: float = 0.05, minimum: float = 0.0) -> dict[int, Effect]:
    return effects_of(
        cases, worth=4.0, assumed=dict.fromkeys(cases, 0.015), minimum=dict.fromkeys(cases, minimum), level=level
    )


def moved(cases: Family, which: int, by: float) -> Family:
    scores = cases[which]
    current = tuple(score + by for score in scores.current)
    return {**cases, which: Scores(scores.baseline, current, (), scores.variant, scores.model)}


@pytest.mark.parametrize(("before", "after"), [(5, 3), (5, 1), (8, 2)])
def test_clean_nights_raise_as_many_alarms_as_the_level_says(before: int, after: int) -> None:
    rng = random.Random(11)  # noqa: S311
    nights = 400
    alarms = sum(
        any(e.is_worse for e in effects(family(rng, before=before, after=after)).values()) for _ in range(nights)
    )
    assert 0.005 < alarms / nights < 0.09


def test_the_detectable_size_is_detected() -> None:
    """A case slowed by what it says it could have seen is seen four times in five, at the least."""
    rng = random.Random(12)  # noqa: S311
    seen = 0
    for _ in range(200):
        cases = family(rng, differ=0.0)
        size = effects(cases)[7].detectable
        seen += effects(moved(cases, 7, -size))[7].is_worse
    assert seen / 200 > 0.75


def test_a_restless_night_is_no_regression() -> None:
    """All cases lie off by three times what the baseline's processes differ by: nothing tells one from the others."""
    rng = random.Random(13)  # noqa: S311
    alarms = 0
    for _ in range(100):
        cases = family(rng, differ=0.0)
        for number in cases:
            cases = moved(cases, number, rng.gauss(0, 0.03))
        alarms += any(effect.is_worse for effect in effects(cases).values())
    assert alarms < 20


spreads = st.integers(0, 10**6)


@settings(deadline=None, max_examples=40)
@given(seed=spreads, by=st.floats(-0.3, 0.3), more=st.floats(0.0, 0.5))
def test_a_slower_case_is_never_judged_better(seed: int, by: float, more: float) -> None:
    cases = family(random.Random(seed), cases=12)  # noqa: S311
    faster, slower = (effects(moved(cases, 3, off))[3] for off in (by, by - more))
    assert slower.is_worse or not faster.is_worse
    assert faster.is_better or not slower.is_better


@settings(deadline=None, max_examples=40)
@given(seed=spreads)
def test_order_and_units_do_not_matter(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    cases = family(rng)
    shuffled = dict(rng.sample(sorted(cases.items()), len(cases)))
    unit = rng.uniform(-5, 5)  # a factor, on the log scale

    def elsewhere(scores: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(score + unit for score in rng.sample(scores, len(scores)))

    for other in (
        shuffled,
        {k: Scores(elsewhere(s.baseline), elsewhere(s.current), (), s.variant, s.model) for k, s in cases.items()},
    ):
        for key, effect in effects(other).items():
            expected = effects(cases)[key]
            assert effect.size == pytest.approx(expected.size, abs=1e-9)
            assert effect.threshold == pytest.approx(expected.threshold, rel=1e-4)


@given(count=st.integers(1, 4), value=st.floats(-3, 3))
def test_identical_scores_are_no_change(count: int, value: float) -> None:
    same = Scores((value,) * count, (value,) * count, (), "trt-fp16", "resnet18")
    (effect,) = effects({0: same}, minimum=MINIMUM).values()
    assert not effect.is_worse
    assert not effect.is_better


def test_one_replicate_a_side_gives_no_certainty() -> None:
    single = family(random.Random(1), before=1, after=1)  # noqa: S311
    assert min(effect.detectable for effect in effects(single, minimum=MINIMUM).values()) > 0.05


def test_more_replicates_see_smaller_changes() -> None:
    def typical(before: int, after: int) -> float:
        found = effects(family(random.Random(5), before=before, after=after))  # noqa: S311
        return sorted(effect.detectable for effect in found.values())[len(found) // 2]

    assert typical(20, 6) < typical(5, 3) < typical(5, 1) < typical(2, 1)


def test_the_minimum_is_a_floor() -> None:
    sharp = family(random.Random(2), before=20, after=20, sd=1e-5)  # noqa: S311
    assert {effect.threshold for effect in effects(sharp, minimum=MINIMUM).values()} == {MINIMUM}


@pytest.mark.parametrize("by", [-0.006, -0.015, 0.015])
def test_small_sure_changes_make_no_others_alarm(by: float) -> None:
    """What counts for nothing is no discovery: were it one, the noisy cases could be alarms at a larger tail."""
    rng = random.Random(17)  # noqa: S311
    nights, quiet, hit, alarms = 200, 40, 24, 0
    for _ in range(nights):
        cases = {}
        for number in range(60):
            spread, shift = 0.001 if number < quiet else 0.015, by if number < hit else 0.0
            baseline, current = ([rng.gauss(0, spread) for _ in range(count)] for count in (5, 3))
            after = tuple(score + shift for score in current)
            cases[number] = Scores(tuple(baseline), after, (), f"variant{number % 6}", f"model{number // 6}")
        found = effects(cases, level=0.035, minimum=MINIMUM)
        alarms += any(found[number].is_worse or found[number].is_better for number in range(quiet, 60))
    assert alarms / nights < 0.08


def test_what_the_current_replicates_tell_of_themselves_widens() -> None:
    plain = family(random.Random(4), before=5, after=2)  # noqa: S311
    unsure = {k: Scores(v.baseline, v.current, (0.05, 0.05), v.variant, v.model) for k, v in plain.items()}
    sharp, wide = effects(plain), effects(unsure)
    assert all(wide[key].threshold > sharp[key].threshold for key in plain)


def test_each_case_is_held_to_its_own_assumption() -> None:
    """Without replicates: of one kind five times as much is assumed as of the other."""
    cases = family(random.Random(6), cases=4, before=1, after=1)  # noqa: S311
    found = effects_of(
        cases,
        worth=4.0,
        assumed={key: 0.01 * (1 + 4 * (key % 2)) for key in cases},
        minimum=dict.fromkeys(cases, 0.0),
        level=0.05,
    )
    assert found[1].threshold == pytest.approx(5 * found[0].threshold)


def test_peers_share_how_wrong_the_assumption_is_and_not_the_spread_itself() -> None:
    """Of two kinds of cases one scatters five times as much, as was assumed of it: all else is the same."""

    def five(scores: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(5 * score for score in scores)

    quiet = family(random.Random(9), cases=8)  # noqa: S311
    loud = {k + 8: Scores(five(s.baseline), five(s.current), (), s.variant, s.model) for k, s in quiet.items()}
    assumed = {key: 0.01 if key < 8 else 0.05 for key in (*quiet, *loud)}
    found = effects_of(quiet | loud, worth=4.0, assumed=assumed, minimum=dict.fromkeys(quiet | loud, 0.0), level=0.05)
    assert found[10].threshold == pytest.approx(5 * found[2].threshold, rel=1e-3)


@pytest.mark.case("C05")
def test_of_several_regressions_each_need_be_less_sure() -> None:
    """Benjamini and Hochberg: where many cases fell, a smaller fall is believed; a rise needs what it needed."""
    cases = family(random.Random(8), before=8, after=3, differ=0.0)  # noqa: S311
    many = cases
    for number in range(0, 24, 4):  # all of one variant
        many = moved(many, number, -0.2)
    few, several = effects(cases)[1], effects(many)[1]
    assert several.threshold < 0.95 * few.threshold
    assert several.rise == pytest.approx(few.rise, rel=0.05)
