"""What docs/scripts/soak.py says of its samples: how much each grows, and whether the noise is still that of before."""

from __future__ import annotations

import math
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.judge.student import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARTS = 16
_WARMING_PARTS = 2
"""Of them: until every kind of case has been there, a process grows."""
_ENDS = 2
"""Parts that are the first, and those that are the last: an hour each, of eight."""
_TAIL = 0.025
_NORMAL_QUARTILE = 0.6744897501960817


def flatness(times_h: Sequence[float], samples: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Of everything that was sampled: first, last, and its growth an hour as a share of its mean, with 95% interval."""
    return {name: growth(times_h, [sample[name] for sample in samples]) for name in samples[0] if name != "s"}


def growth(times_h: Sequence[float], values: Sequence[float]) -> dict[str, float]:
    """A line through the medians of the parts after the warm-up.

    Samples that follow each other are alike, so that an interval from single ones would be far too narrow.
    """
    if len(values) < 2 * _PARTS:
        raise ValueError(f"{len(values)} samples are too few for a slope: {2 * _PARTS} are needed")
    parts = [slice(len(values) * part // _PARTS, len(values) * (part + 1) // _PARTS) for part in range(_PARTS)]
    middles = [(fmean(times_h[part]), float(median(values[part]))) for part in parts]
    hours, levels = zip(*middles[_WARMING_PARTS:], strict=True)
    slope, error = line(hours, levels)
    level = fmean(levels) or 1.0
    margin = quantile(_TAIL, len(levels) - 2) * error
    return {
        "first": fmean(value for _, value in middles[_WARMING_PARTS : _WARMING_PARTS + _ENDS]),
        "middle": fmean(value for _, value in middles[_PARTS // 2 - 1 : _PARTS // 2 + 1]),
        "last": fmean(value for _, value in middles[-_ENDS:]),
        "slope": slope / level,
        "low": (slope - margin) / level,
        "high": (slope + margin) / level,
    }


def by_pass(times_h: Sequence[float], samples: Sequence[dict[str, float]], period: int) -> dict[str, dict[str, float]]:
    """The same of samples that come round again after ``period`` of them, each compared with itself one pass before.

    A model's memory isn't another's, so that a line through all of them tells which models came last. The first pass
    warms the process up. First is the mean of the second pass, last that of the newest one as long as it. The slope is
    the median over all pairs, low and high are the least and the most of them.
    """
    pairs = [(index - period, index) for index in range(2 * period, len(samples))]
    if not pairs:
        raise ValueError(f"{len(samples)} samples are less than two passes of {period} after the first")
    found = {}
    for name in (name for name in samples[0] if name != "s"):
        values = [sample[name] for sample in samples]
        level = fmean(values[period:]) or 1.0
        slopes = [(values[new] - values[old]) / (times_h[new] - times_h[old]) / level for old, new in pairs]
        found[name] = {
            "first": fmean(values[period : 2 * period]),
            "last": fmean(values[-period:]),
            "slope": median(slopes),
            "low": min(slopes),
            "high": max(slopes),
        }
    return found


def growth_by_pass(samples: Sequence[dict[str, float]], period: int, name: str) -> list[float]:
    """Of each pass from the second on: what its median case grew by against itself one pass before."""
    changes = [samples[index][name] - samples[index - period][name] for index in range(period, len(samples))]
    return [median(changes[start : start + period]) for start in range(0, len(changes), period)]


def while_measuring(samples: Sequence[dict[str, float]], period: int, shapes: int, name: str) -> tuple[float, int]:
    """What it grew by in all at cases that only measured, and how many these were.

    Of so many shapes of a variant that follow each other the first one loads or builds; the first pass isn't counted.
    """
    only = [index for index in range(period, len(samples)) if index % shapes]
    return sum(samples[index][name] - samples[index - 1][name] for index in only), len(only)


def line(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Slope of the line of least squares, and its standard error."""
    x, y = fmean(xs), fmean(ys)
    square = sum((one - x) ** 2 for one in xs)
    slope = sum((one - x) * (other - y) for one, other in zip(xs, ys, strict=True)) / square
    rest = sum((other - y - slope * (one - x)) ** 2 for one, other in zip(xs, ys, strict=True))
    return slope, math.sqrt(rest / (len(xs) - 2) / square)


def noise_floor(records: Sequence[dict[str, Any]], parts: int) -> dict[str, float]:
    """Of the cases that are the reference itself: how their log speedups scatter, in the first and the last part.

    A standard deviation by the median of what they are off zero. The ratio's interval is that for normal noise.
    """
    own = [record["rounds"] for record in records if record["variant"] == REFERENCE_VARIANT]
    speedups = [median(map(_log_ratio, rounds["reference_wall_s"], rounds["variant_wall_s"])) for rounds in own]
    count = max(4, len(speedups) // parts)
    first, last = _spread(speedups[:count]), _spread(speedups[-count:])
    # The logarithm of such a spread of n normal values has the variance 1.36 / n.
    margin = 1.96 * math.sqrt(2 * 1.36 / count)
    ratio = last / first
    return {
        "cases": count,
        "first": first,
        "last": last,
        "ratio": ratio,
        "low": ratio * math.exp(-margin),
        "high": ratio * math.exp(margin),
    }


def _log_ratio(reference_s: float, variant_s: float) -> float:
    return math.log(reference_s / variant_s)


def _spread(values: Sequence[float]) -> float:
    """About zero, which the speedup of the reference over itself is."""
    return float(median(map(abs, values))) / _NORMAL_QUARTILE
