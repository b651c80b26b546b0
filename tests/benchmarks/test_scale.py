"""benchmarks/scale/simulation.py: its bound, and the real schedule over nights of ten thousand cases."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from benchmarks.scale.simulation import dying_of, lower_bound_s, night, over
from perfkit.fleet.schedule import Device, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

ONE, TWO = Device("one", "gpu"), Device("two", "gpu")
OTHER = Device("other", "cpu")


def test_the_lower_bound_knows_hardware() -> None:
    units = [Unit(*unit) for unit in (("gpu", "replicate-1", "a", 4), ("gpu", "replicate-1", "b", 4))]
    assert lower_bound_s([*units, Unit("cpu", "replicate-1", "c", 9)], [ONE, TWO, OTHER]) == 9
    assert lower_bound_s(units, [ONE]) == 8
    with pytest.raises(ValueError, match="no device is a cpu"):
        lower_bound_s([Unit("cpu", "replicate-1", "c", 9)], [ONE])


@pytest.mark.parametrize("is_cold", [False, True])
@pytest.mark.parametrize("gpus", [1, 4, 16, 64, 256])
def test_ten_thousand_cases_are_done_within_a_tenth_of_the_lower_bound(gpus: int, is_cold: bool) -> None:
    """And a twentieth of the nodes may die: all is measured, and no more is repeated than they were at."""
    tonight = night(10_000, is_cold=is_cold)
    outcome, bound_s = over(gpus, tonight)
    assert outcome.makespan_s <= 1.1 * bound_s
    dying, _ = over(gpus, tonight, dying=True)
    longest_s = max(tonight.takes_s.values())
    assert measured(dying.ended) == measured(outcome.ended) == len(tonight.units)
    assert dying.given_up == []
    assert dying.stranded == []
    assert dying.wasted_s <= dying_of(gpus) * longest_s
    left = max(1, gpus - dying_of(gpus))
    assert dying.makespan_s <= 1.1 * bound_s * gpus / left + longest_s


def measured(ended: Sequence[Unit]) -> Fraction:
    return sum((Fraction(1, unit.pieces) for unit in ended), Fraction(0))
