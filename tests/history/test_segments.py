"""Series whose changes are known, drawn from a seed."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perfkit.history.levels import by_the_package, level_search
from perfkit.history.segments import Change, changes_by_series, changes_in, kendall_z, nightly_means, slope

if TYPE_CHECKING:
    from numpy.typing import NDArray


def noise(nights: int, spread: float, seed: object = 0, memory: float = 0.0) -> NDArray[np.float64]:
    """Nights that scatter by `spread`; each remembers so much of the one before."""
    rng = random.Random(str(seed))  # noqa: S311
    values = [rng.gauss(0, spread)]
    for _ in range(nights - 1):
        values.append(memory * values[-1] + rng.gauss(0, spread * math.sqrt(1 - memory**2)))
    return np.array(values)


@pytest.mark.parametrize("nights", [40, 365, 1095])
@pytest.mark.parametrize("size", [-0.05, 0.08])
@pytest.mark.parametrize("share", [0.25, 0.6, 0.9])
def test_a_step_is_found_to_the_night_and_by_its_size(nights: int, size: float, share: float) -> None:
    at = int(nights * share)
    if nights - at < 5:
        at = nights - 5
    logs = noise(nights, 0.008)
    logs[at:] += size
    ((step,), drifts) = changes_in(logs)
    assert abs(step.at - at) <= 1
    assert step.size == pytest.approx(size, abs=0.01)
    assert drifts == []


@pytest.mark.parametrize(
    ("nights", "size"), [(40, -0.1), (60, -0.15), (200, 0.3), (365, -0.08), (365, -0.3), (1095, -0.1), (1095, 0.05)]
)
def test_a_drift_is_no_row_of_steps(nights: int, size: float) -> None:
    logs = noise(nights, 0.01) + np.linspace(0, size, nights)
    steps, (drift,) = changes_in(logs)
    assert steps == []
    assert (drift.first, drift.last) == (0, nights - 1)
    assert drift.size == pytest.approx(size, abs=0.015)


def test_a_step_within_a_drift_is_told_apart_from_it() -> None:
    logs = noise(1095, 0.01) + np.linspace(0, -0.1, 1095)
    logs[500:] += 0.12
    (step,), drifts = changes_in(logs)
    assert abs(step.at - 500) <= 1
    assert step.size == pytest.approx(0.12, abs=0.012)
    assert [(drift.first, drift.last) for drift in drifts] == [(0, step.at - 1), (step.at, 1094)]
    assert all(drift.size == pytest.approx(-0.05, abs=0.015) for drift in drifts)


def test_what_came_and_went_is_two_steps_and_one_bad_night_none() -> None:
    logs = noise(300, 0.006)
    logs[100:160] -= 0.05
    logs[220] -= 0.4
    logs[240:242] += 0.3
    steps, _ = changes_in(logs)
    assert [step.at for step in steps] == [100, 160]


def test_steps_too_small_to_care_about_are_none() -> None:
    logs = noise(1000, 0.002)
    logs[400:] += 0.012
    assert changes_in(logs) == ([], [])


def test_facts_without_noise() -> None:
    """A count of layers stands still for years."""
    logs = np.log(np.repeat([56.0, 56.0, 70.0], [300, 100, 200]))
    (step,), drifts = changes_in(logs)
    assert (step.at, drifts) == (400, [])
    assert step.size == pytest.approx(math.log(70 / 56))
    assert changes_in(np.zeros(500)) == ([], [])
    steps, drifts = changes_in(np.log(np.repeat([56.0, 60.0, 70.0], [100, 100, 100])))
    assert ([step.at for step in steps], drifts) == ([100, 200], [])


@pytest.mark.parametrize(("memory", "most"), [(0.0, 1), (0.3, 2)])
@pytest.mark.parametrize("nights", [60, 365, 1095])
def test_few_series_that_stand_still_are_said_to_change(nights: int, memory: float, most: int) -> None:
    """Of a hundred; docs/history.md tells it."""
    found = [changes_in(noise(nights, 0.02, (nights, memory, seed), memory)) for seed in range(100)]
    assert sum(bool(steps or drifts) for steps, drifts in found) <= most


@pytest.mark.parametrize("nights", range(12))
def test_series_that_are_too_short(nights: int) -> None:
    steps, drifts = changes_in(np.repeat([0.0, 1.0], [nights - nights // 2, nights // 2]))
    assert len(steps) == (nights >= 10)
    assert drifts == []


@given(st.lists(st.floats(-20, 20), min_size=0, max_size=120))
def test_whatever_the_numbers_changes_lie_inside_and_are_large_enough(values: list[float]) -> None:
    logs = np.array(values)
    steps, drifts = changes_in(logs)
    assert [step.at for step in steps] == sorted({step.at for step in steps})
    assert all(0 < step.at < len(logs) and abs(step.size) >= 0.02 for step in steps)
    assert all(0 <= drift.first < drift.last < len(logs) and abs(drift.size) >= 0.03 for drift in drifts)
    # A better level is found where a worse one is: nothing knows which way is up.
    mirrored, _ = changes_in(-logs)
    assert [(step.at, -step.size) for step in mirrored] == [(step.at, step.size) for step in steps]


@pytest.mark.parametrize("nights", [10, 60, 250])
@pytest.mark.parametrize("penalty", [1e-5, 1e-3, 0.1])
def test_the_compiled_search_finds_what_the_package_finds(nights: int, penalty: float) -> None:
    search = level_search()
    assert search is not by_the_package, "this version of ruptures is built otherwise: the command has become slower"
    logs = noise(nights, 0.01, nights) + np.where(np.arange(nights) > nights // 3, 0.04, 0.0)
    assert search(logs, penalty, 5) == by_the_package(logs, penalty, 5)


@given(st.lists(st.integers(-1000, 1000), min_size=3, max_size=40, unique=True))
def test_slope_and_its_sureness_are_scipys(values: list[int]) -> None:
    numbers = np.array(values, float)
    assert slope(numbers) == pytest.approx(stats.theilslopes(numbers).slope)
    exact = stats.kendalltau(np.arange(len(values)), numbers)
    pairs = len(values) * (len(values) - 1) / 2
    spread = math.sqrt(len(values) * (len(values) - 1) * (2 * len(values) + 5) / 18)
    assert kendall_z(numbers) == pytest.approx(exact.statistic * pairs / spread, abs=1e-9)


def test_many_series_at_once_with_replicates_and_nights_of_ones_own() -> None:
    """Nights are numbered by the caller; of a night's three replicates the mean counts; order doesn't."""
    nights = np.repeat(np.arange(0, 200, 2), 3)
    step = np.exp(noise(300, 0.01) + np.where(nights >= 120, -0.06, 0.0))
    zeros = np.where(nights >= 60, 2.0, 0.0)
    flat = np.exp(noise(300, 0.01, 1))
    ids = np.repeat([7, 9, 4], 300)
    columns = ids, np.tile(nights, 3), np.concatenate([step, zeros, flat])
    found = changes_by_series(*nightly_means(*columns))
    assert found == {
        7: [Change("step", 118, 120, found[7][0].size)],
        9: [Change("step", 58, 60, 2.0, (0.0, 2.0))],
    }
    assert found[7][0].size == pytest.approx(-0.06, abs=0.01)
    shuffled = np.random.default_rng(3).permutation(900)
    again = changes_by_series(*nightly_means(columns[0][shuffled], columns[1][shuffled], columns[2][shuffled]))
    assert {key: [(c.before, c.after) for c in changes] for key, changes in again.items()} == {
        7: [(118, 120)],
        9: [(58, 60)],
    }


def test_drifts_are_told_by_nights_too() -> None:
    values = np.exp(noise(100, 0.005) + np.linspace(0, 0.2, 100))
    (change,) = changes_by_series(np.ones(100, int), np.arange(1000, 1100), values)[1]
    assert (change.kind, change.before, change.after) == ("drift", 1000, 1099)
