"""Two modes among the rounds of one process."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.record.modes import dip, round_modes
from perfkit.record.read import run_from_json
from tests.support import benchmark_of, case, run_data

if TYPE_CHECKING:
    from collections.abc import Callable

numbers = st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=40)

ONE_MODE: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda rng: math.exp(rng.gauss(0, 0.05)),
    "lognormal": lambda rng: 1 + rng.lognormvariate(-2, 1),
    "even": lambda rng: math.exp(rng.uniform(0, 0.5)),
    "one-sided": lambda rng: 1 + rng.expovariate(10),
    "heavy tails": lambda rng: 1 + 0.02 * rng.paretovariate(0.7),
    "spikes": lambda rng: math.exp(rng.gauss(0, 0.01)) * (rng.uniform(1.5, 10) if rng.random() < 0.08 else 1),
    "ticks of a clock": lambda rng: 1e-3 * round(1000 * math.exp(abs(rng.gauss(0, 0.02)))),
}


@pytest.mark.parametrize(
    ("ordered", "expected"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.1),
        ([0.0, 0.0, 1.0, 1.0], 0.25),
        ([0.0, 0.1, 0.2, 5.0, 5.1, 5.3, 9.0], 0.20168067226890757),
        ([1.0, 1.1, 1.2, 1.3, 2.0, 2.1, 2.2, 2.3, 2.35, 8.0], 0.14),
        ([0.0, 1.0, 4.0, 9.0, 16.0, 25.0, 36.0, 49.0], 0.0625),
    ],
)
def test_the_dip_is_what_it_is_elsewhere(ordered: list[float], expected: float) -> None:
    """As the diptest package (0.12) has it by the authors' own algorithm; of the first it says 0."""
    assert dip(ordered) == pytest.approx(expected, rel=1e-12)


@given(numbers)
def test_the_dip_has_its_bounds_and_no_unit_and_no_direction(drawn: list[float]) -> None:
    ordered = sorted(drawn)
    found = dip(ordered)
    assert 1 / (2 * len(ordered)) - 1e-12 <= found <= 0.25 + 1 / (2 * len(ordered))
    assert dip([3 * number + 7 for number in ordered]) == pytest.approx(found)
    assert dip([-number for number in reversed(ordered)]) == pytest.approx(found)


@given(st.sampled_from(sorted(ONE_MODE)), st.sampled_from([20, 30, 54, 100, 300]), st.integers(0, 2**32))
def test_samples_with_one_mode_have_hardly_ever_two(shape: str, count: int, seed: int) -> None:
    """One in a thousand at the most: of forty samples, two are no chance."""
    rng = random.Random(seed)  # noqa: S311
    nights = [[ONE_MODE[shape](rng) for _ in range(count)] for _ in range(40)]
    assert sum(round_modes(night) is not None for night in nights) < 2


@pytest.mark.parametrize("count", [30, 100])
def test_of_a_thousand_even_samples_hardly_one_has_two(count: int) -> None:
    """No distribution with one mode is nearer to two."""
    rng = random.Random(count)  # noqa: S311
    nights = [[ONE_MODE["even"](rng) for _ in range(count)] for _ in range(2000)]
    assert sum(round_modes(night) is not None for night in nights) <= 6


@given(st.floats(0.06, 1.0), st.floats(0.35, 0.65), st.integers(50, 200), st.floats(1e-6, 1.0), st.integers(0, 2**32))
def test_modes_that_lie_apart_are_found(apart: float, share: float, count: int, unit_s: float, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    slow = round(share * count)
    rounds = [unit_s * math.exp(rng.gauss(apart if number < slow else 0, apart / 12)) for number in range(count)]
    rng.shuffle(rounds)
    found = round_modes(rounds)
    assert found is not None
    assert (found.fast, found.slow) == (count - slow, slow)
    assert found.fast_s == pytest.approx(unit_s, rel=apart / 5)
    assert math.log(found.slow_s / found.fast_s) == pytest.approx(apart, rel=0.2)


@pytest.mark.parametrize(
    "times_s",
    [
        [1e-3] * 30 + [1.015e-3] * 30,  # too near to matter
        [1e-3] * 57 + [2e-3] * 3,  # a tail
        [1e-3] * 9 + [2e-3] * 9,  # too few
        [1e-3] * 60,
        # Three ticks of a clock, and a tail behind them.
        [*[1e-3] * 30, *[1.0005e-3] * 30, *[1.001e-3] * 28, *(1.02e-3 + 7e-6 * step for step in range(12))],
    ],
)
def test_what_is_not_two_modes(times_s: list[float]) -> None:
    assert round_modes(times_s) is None


def test_modes_of_either_clock_are_kept_with_it() -> None:
    data = run_data(rounds=40)
    rounds = benchmark_of(data, case())["extra_info"]["perfkit"]["rounds"]
    rounds["variant_device_s"] = [
        time * (1.2 if number % 2 else 1) for number, time in enumerate(rounds["variant_device_s"])
    ]
    (sample,) = [s for s in run_from_json(data, "run").replicate.samples if s.case == case()]
    assert sample.device is not None
    assert sample.device.modes is not None
    assert (sample.device.modes.fast, sample.device.modes.slow) == (20, 20)
    assert sample.wall.modes is None
