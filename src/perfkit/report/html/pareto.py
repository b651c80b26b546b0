"""The Pareto front: what isn't beaten in one respect by something that is as good in the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The indices of the points that no other one dominates, in their order; more is better in both numbers.

    A point dominates another if it is at least as good in both numbers and better in one; of equal points all stay.
    """
    front = []
    best = float("-inf")  # of the second number, among all points with a larger first one
    ordered = sorted(range(len(points)), key=lambda index: points[index], reverse=True)
    place = 0
    while place < len(ordered):
        first, second = points[ordered[place]]
        tied = place
        while tied < len(ordered) and points[ordered[tied]] == (first, second):
            tied += 1
        if second > best:
            front += ordered[place:tied]
            best = second
        place = tied
    return sorted(front)
