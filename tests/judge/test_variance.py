from __future__ import annotations

import math
import random

import pytest

from perfkit.judge.student import digamma, trigamma
from perfkit.judge.variance import Prior, Spread, fit_prior, spread_of


def test_a_spread_pools_both_sides_around_their_own_means() -> None:
    spread = spread_of([1.0, 1.2], [5.0, 5.0, 5.3])
    assert spread.degrees == 3
    assert spread.variance == pytest.approx((2 * 0.1**2 + 2 * 0.1**2 + 0.2**2) / 3)
    assert spread_of([1.0], [2.0]) == Spread(0.0, 0)


def test_a_moderated_variance_by_hand() -> None:
    variance, degrees = Prior(variance=4e-4, degrees=6).moderated(Spread(1e-4, 3))
    assert variance == pytest.approx((6 * 4e-4 + 3 * 1e-4) / 9)
    assert degrees == 9


def test_without_replicates_there_is_the_assumption() -> None:
    assert fit_prior([Spread(0.0, 0)] * 5, 0.02, 4.0) == Prior(0.02**2, 4.0)


def drawn(cases: int, degrees: int, of: Prior | float) -> list[Spread]:
    """Sample variances of cases whose true ones are drawn from a prior, or are one number."""
    rng = random.Random(7)  # noqa: S311
    spreads = []
    for _ in range(cases):
        true = of if isinstance(of, float) else of.degrees * of.variance / rng.gammavariate(of.degrees / 2, 2)
        spreads.append(Spread(true * rng.gammavariate(degrees / 2, 2) / degrees, degrees))
    return spreads


def test_a_prior_is_found_again() -> None:
    found = fit_prior(drawn(2000, 6, Prior(1e-4, 5.0)), 0.05, 4.0)
    assert math.sqrt(found.variance) == pytest.approx(0.01, rel=0.05)
    assert found.degrees == pytest.approx(5, rel=0.15)


def test_cases_alike_are_known_to_be() -> None:
    assert fit_prior(drawn(500, 6, 1e-4), 0.05, 4.0).degrees > 20


def test_two_replicates_a_case_hardly_tell_how_cases_differ() -> None:
    """The same differences, known from two replicates of a few cases, and from many of many."""
    few, many = (fit_prior(drawn(cases, df, 1e-4), 0.01, 4.0).degrees for cases, df in ((10, 1), (500, 20)))
    assert few < 10 < many


def test_two_that_agree_by_luck_are_no_certainty() -> None:
    lucky = fit_prior([Spread(1e-14, 1)], 0.02, 4.0)
    variance, degrees = lucky.moderated(Spread(1e-14, 1))
    assert math.sqrt(variance) > 0.001
    assert degrees < 10


def test_the_bias_of_a_logarithm_is_taken_out() -> None:
    """One case of d degrees whose variance has the expected logarithm: its own variance is found."""
    d, true = 4, 1e-4
    logarithm = math.log(true) + digamma(d / 2) - math.log(d / 2)
    found = fit_prior([Spread(math.exp(logarithm), d)] * 400, math.sqrt(true), 4.0)
    assert trigamma(found.degrees / 2) == pytest.approx(0.02, rel=0.5)
    assert found.variance == pytest.approx(true, rel=0.05)
