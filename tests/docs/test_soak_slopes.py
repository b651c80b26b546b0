"""What docs/scripts/soak_slopes.py makes of samples that come round again, of which nothing else knows the answer."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "scripts" / "soak_slopes.py"
PERIOD, SHAPES, PASSES = 6, 2, 4
HOURS = [index / 10 for index in range(PERIOD * PASSES)]


@pytest.fixture(scope="module")
def slopes() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def samples(a_pass: float = 0.0, while_measuring: float = 0.0) -> list[dict[str, float]]:
    """Models of other sizes, and so much more with each pass, or with each case that only measures."""
    return [
        {
            "s": 0.0,
            "bytes": 100.0 * (1 + index % PERIOD // SHAPES)
            + a_pass * (index // PERIOD)
            + while_measuring * ((index + 1) // SHAPES),
        }
        for index in range(PERIOD * PASSES)
    ]


def test_models_of_other_sizes_are_no_growth(slopes: dict[str, Any]) -> None:
    found = slopes["by_pass"](HOURS, samples(), PERIOD)["bytes"]
    assert (found["slope"], found["low"], found["high"]) == (0, 0, 0)
    assert found["first"] == found["last"] == 200


def test_growth_is_an_hour_and_a_share_of_the_level(slopes: dict[str, Any]) -> None:
    """Six cases of six minutes: a pass of 12 is 20 an hour; the mean after the first pass is 224."""
    found = slopes["by_pass"](HOURS, samples(a_pass=12.0), PERIOD)["bytes"]
    assert found["slope"] == pytest.approx(20 / 224) == pytest.approx(found["low"]) == pytest.approx(found["high"])
    assert slopes["growth_by_pass"](samples(a_pass=12.0), PERIOD, "bytes") == [12, 12, 12]


def test_what_is_loaded_and_what_measures_are_told_apart(slopes: dict[str, Any]) -> None:
    """Three passes after the first have nine cases that measure another shape of what is there."""
    assert slopes["while_measuring"](samples(a_pass=12.0), PERIOD, SHAPES, "bytes") == (0, 9)
    assert slopes["while_measuring"](samples(while_measuring=2.0), PERIOD, SHAPES, "bytes") == (18, 9)


def test_too_few_passes_are_no_slope(slopes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="less than two passes"):
        slopes["by_pass"](HOURS, samples()[: 2 * PERIOD], PERIOD)
