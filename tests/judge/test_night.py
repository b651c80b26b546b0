from __future__ import annotations

import math
import random

import pytest

from perfkit.judge.night import NightFactor, night_factors

KEYS = [(f"model{m}", f"variant{v}", s) for m in range(3) for v in range(3) for s in range(4)]
MODELS, VARIANTS = {key: key[0] for key in KEYS}, {key: key[1] for key in KEYS}
Key = tuple[str, str, int]


def drawn(scale: float, seed: int = 3) -> dict[Key, float]:
    rng = random.Random(seed)  # noqa: S311
    return {key: rng.gauss(0, scale) for key in KEYS}


def factors(ratios: dict[Key, float], known: float = 100.0) -> dict[Key, NightFactor]:
    return night_factors(ratios, VARIANTS, MODELS, known)


def test_a_restless_night_widens_by_as_much() -> None:
    found = [factors(drawn(3.0, seed))[KEYS[0]].variance for seed in range(40)]
    assert math.sqrt(sum(found) / len(found)) == pytest.approx(3, rel=0.15)


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
        assert factors(worse)[other].variance == pytest.approx(usual, rel=0.5)


def test_few_cases_tell_nothing() -> None:
    few = dict(list(drawn(5.0).items())[:4])
    assert set(night_factors(few, VARIANTS, MODELS, 10).values()) == {NightFactor()}


def test_what_a_night_adds_is_known_less_well() -> None:
    error, degrees = NightFactor(4.0, 5.0).widened(0.01, 50.0)
    assert error == pytest.approx(0.02)
    assert degrees == pytest.approx(16 / (1 / 50 + 9 / 5))
    assert NightFactor().widened(0.01, 50.0) == pytest.approx((0.01, 50.0))
