from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import special, stats

from perfkit.judge import student

degrees = st.floats(1, 300)


@example(t=1e-7, df=300.0)
@given(t=st.floats(-30, 30), df=degrees)
def test_tails_are_scipys(t: float, df: float) -> None:
    assert student.upper_tail(t, df) == pytest.approx(float(stats.t.sf(t, df)), rel=1e-8, abs=1e-14)


@given(tail=st.floats(1e-6, 0.499), df=degrees)
def test_a_quantile_is_exceeded_with_its_probability(tail: float, df: float) -> None:
    assert student.upper_tail(student.quantile(tail, df), df) == pytest.approx(tail, rel=1e-5)


@given(x=st.floats(0.05, 500))
def test_derivatives_of_log_gamma_are_scipys(x: float) -> None:
    assert student.digamma(x) == pytest.approx(float(special.digamma(x)), abs=1e-8)
    assert student.trigamma(x) == pytest.approx(float(special.polygamma(1, x)), rel=1e-8)


@given(y=st.floats(1e-3, 1e3))
def test_trigamma_is_inverted(y: float) -> None:
    assert student.trigamma(student.inverse_trigamma(y)) == pytest.approx(y, rel=1e-6)


def test_many_degrees_are_the_normal_distribution() -> None:
    assert student.quantile(0.025, 1e5) == pytest.approx(1.96, abs=1e-3)
    assert not math.isnan(student.upper_tail(1e3, 2))
