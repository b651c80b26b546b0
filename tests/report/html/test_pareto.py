from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfkit.report.html.pareto import pareto_front

_points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


def dominates(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one != other and one[0] >= other[0] and one[1] >= other[1]


@given(_points)
def test_the_front_is_what_nothing_dominates(points: list[tuple[int, int]]) -> None:
    expected = [i for i, point in enumerate(points) if not any(dominates(other, point) for other in points)]
    assert pareto_front(points) == expected
