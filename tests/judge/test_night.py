from __future__ import annotations

import math
import random

import pytest

from perfkit.judge.night import NightFactor, night_factors
from perfkit.judge.student import quantile

KEYS = [(f"model{m}", f"variant{v}", s) for m in range(3) for v in range(3) for s in range(4)]
MODELS, VARIANTS = {key: key[0] for key in KEYS}, {key: key[1] for key in KEYS}
Key = tuple[str, str, int]


def drawn(scale: float, seed: int = 3) -> dict[Key, float]:
    rng = random.Random(seed)  # noqa: S311
    return {key: rng.gauss(0, scale) for key in KEYS}


def factors(ratios: dict[Key, float], known: float = 100.0) -> dict[Key, NightFactor]:
    return night_factors(ratios, dict.fromkeys(ratios, 1.0), VARIANTS, MODELS, known)


def test_a_restless_night_widens_by_as_much_and_a_little_more() -> None:
    found = [factors(drawn(3.0, seed))[KEYS[0]].variance for seed in range(300)]
    assert 3.0 < math.sqrt(sum(found) / len(found)) < 3.4


def test_a_calm_night_corrects_an_assumption_and_nothing_else() -> None:
    calm = drawn(0.2)
    assert factors(calm, known=4)[KEYS[0]].variance < 0.4
    assert factors(calm, known=1e6)[KEYS[0]].variance == pytest.approx(1, abs=0.01)
    _, degrees = factors(calm, known=4)[KEYS[0]].widened(0.01, 6.0)
    assert degrees == pytest.approx(6)


def test_a_case_cannot_excuse_itself() -> None:
    """However far off it lies, it is held to the others."""
    ratios = drawn(1.0)
    hurt = KEYS[5]
    near, far = (factors({**ratios, hurt: off})[hurt].variance for off in (-10.0, -1000.0))
    assert near == far
    assert far < 4


def test_a_variant_or_a_model_that_got_worse_is_no_scatter() -> None:
    ratios = drawn(1.0)
    other = next(key for key in KEYS if key[0] != "model0" and key[1] != "variant0")
    usual = factors(ratios)[other].variance
    for part in (0, 1):
        worse = {key: ratio - 20 * (key[part] in ("model0", "variant0")) for key, ratio in ratios.items()}
        assert factors(worse)[other].variance < 2 * usual


def test_what_a_variant_shares_is_taken_out_before_errors_differ() -> None:
    """A common loss is common in what it is, not in units of each case's own error."""
    sizes = {key: size - 20 * (key[1] == "variant0") for key, size in drawn(1.0).items()}
    errors = {key: 1.0 + 0.5 * (key[2] % 2) for key in KEYS}
    other = next(key for key in KEYS if key[1] != "variant0")
    found = night_factors(sizes, errors, VARIANTS, MODELS, 100.0)[other].variance
    assert found == pytest.approx(night_factors(drawn(1.0), errors, VARIANTS, MODELS, 100.0)[other].variance, rel=0.1)


def test_few_cases_tell_nothing() -> None:
    few = dict(list(drawn(5.0).items())[:4])
    assert set(night_factors(few, dict.fromkeys(few, 1.0), VARIANTS, MODELS, 10).values()) == {NightFactor()}


def test_what_a_night_adds_is_known_less_well() -> None:
    error, degrees = NightFactor(4.0, 5.0).widened(0.01, 50.0)
    assert error == pytest.approx(0.02)
    assert degrees == pytest.approx(16 / (1 / 50 + 9 / 5))


@pytest.mark.parametrize("own", [3.0, 5.0, 12.0, 60.0])
def test_a_more_restless_night_never_lowers_what_a_change_must_exceed(own: float) -> None:
    reaches = []
    for variance in (1.0, 1.2, 1.6, 2.5, 4.0, 16.0, 100.0):
        error, degrees = NightFactor(variance, 9.0).widened(0.01, own)
        reaches.append(error * quantile(0.05 / 24, degrees))
    assert reaches == sorted(reaches)


def test_a_calm_night_keeps_the_degrees_of_freedom() -> None:
    assert NightFactor().widened(0.01, 50.0) == pytest.approx((0.01, 50.0))
