"""Dividing a plan: every model in one part, parts that take about as long, the same for whoever divides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import Platform
from perfkit.catalog.plan import ModelPlan, Plan
from perfkit.catalog.profile import ShapeProfile
from perfkit.catalog.shards import parse_shard, part_of, split
from perfkit.errors import UserError

SHAPE = (1, 3, 8, 8)
PROFILE = ShapeProfile(min=SHAPE, opt=SHAPE, max=SHAPE)
seconds_by_label = st.dictionaries(
    st.text("abc", min_size=1, max_size=4), st.floats(0.01, 1e4), min_size=1, max_size=12
)


def plan_of(*labels: str) -> Plan:
    models = tuple(ModelPlan(label, label, PROFILE, (SHAPE,), ("eager-fp32", "twin")) for label in labels)
    return Plan("tiny", Platform.CPU, models)


@given(seconds_by_label, st.integers(1, 12))
def test_every_label_is_in_one_part_and_no_part_is_far_too_long(seconds: dict[str, float], of: int) -> None:
    """Graham's bound against the longest label and the mean, which nothing can beat."""
    labels = list(seconds)
    parts = split(labels, seconds, of)
    assert len(parts) == of
    assert sorted(label for part in parts for label in part) == sorted(labels)
    assert all([label for label in labels if label in part] == list(part) for part in parts)
    assert all(parts) or len(labels) < of, "none is idle"
    taken = [sum(seconds[label] for label in part) for part in parts]
    ordered = sorted(seconds.values(), reverse=True)
    # Of of + 1 labels two share a part.
    possible = max(ordered[0], sum(ordered) / of, *([ordered[of - 1] + ordered[of]] if len(ordered) > of else []))
    assert max(taken) <= (4 / 3) * possible * (1 + 1e-9)


@given(seconds_by_label, st.integers(1, 5), st.randoms())
def test_the_division_follows_from_what_it_is_given(seconds: dict[str, float], of: int, rng: object) -> None:
    """Not from the order of the durations, which files may have otherwise."""
    other = dict(sorted(seconds.items(), key=lambda _: rng.random()))  # type: ignore[attr-defined]
    assert split(list(seconds), seconds, of) == split(list(seconds), other, of)


def test_the_longest_goes_alone_and_equals_by_their_order() -> None:
    assert split("abcd", {"a": 1, "b": 1, "c": 9, "d": 1}, 2) == (("c",), ("a", "b", "d"))
    assert split("abcd", dict.fromkeys("abcd", 1.0), 2) == (("a", "c"), ("b", "d"))


def test_a_shard_has_whole_models() -> None:
    plan = plan_of("a", "b", "c")
    own = [part_of(plan, {"a": 1, "b": 5, "c": 1}, parse_shard(f"{number}/2")) for number in (1, 2)]
    assert [[case.model for case in part.cases()] for part in own] == [["b", "b"], ["a", "a", "c", "c"]]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2", " 1/2", "1/99999", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="give which of how many, as 1/3, 2/3 and 3/3"):
        parse_shard(text)


def test_more_shards_than_models_are_refused_by_every_one_of_them() -> None:
    for number in (1, 4):
        with pytest.raises(UserError, match="suite 'tiny' has 3 models, which is the most shards that it makes"):
            part_of(plan_of("a", "b", "c"), dict.fromkeys("abc", 1.0), parse_shard(f"{number}/4"))
