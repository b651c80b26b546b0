from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perfkit.catalog.profile import ShapeProfile

if TYPE_CHECKING:
    from perfkit.catalog.case import Shape

sizes = st.integers(1, 4096)
shapes = st.tuples(sizes, sizes, sizes, sizes)


@st.composite
def profiles(draw: st.DrawFn) -> ShapeProfile:
    ordered = [sorted(draw(st.lists(sizes, min_size=3, max_size=3))) for _ in range(4)]
    low, middle, high = zip(*ordered, strict=True)
    return ShapeProfile(min=low, opt=middle, max=high)


@given(profiles())
def test_a_profile_contains_its_own_shapes(profile: ShapeProfile) -> None:
    own = profile.shapes()
    assert all(profile.contains(shape) for shape in own)
    assert set(own) == {profile.min, profile.opt, profile.max}
    assert len(own) == len(set(own))
    assert all((profile.min[i] == profile.max[i]) != (i in profile.dynamic_dimensions) for i in range(4))


@given(profiles(), shapes)
def test_a_profile_contains_what_lies_between(profile: ShapeProfile, shape: Shape) -> None:
    clamped = [max(low, min(size, high)) for low, size, high in zip(profile.min, shape, profile.max, strict=True)]
    assert profile.contains(shape) == (list(shape) == clamped)


@given(shapes, shapes, shapes)
def test_a_profile_is_ordered_or_refused(low: Shape, middle: Shape, high: Shape) -> None:
    ordered = all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))
    if ordered:
        assert ShapeProfile(min=low, opt=middle, max=high).contains(middle)
    else:
        with pytest.raises(ValidationError, match="min <= opt <= max"):
            ShapeProfile(min=low, opt=middle, max=high)


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least 1"):
        ShapeProfile(min=(0, 3, 8, 8), opt=(1, 3, 8, 8), max=(1, 3, 8, 8))
