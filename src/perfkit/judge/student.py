"""Student's t and the two gamma derivatives that the moderated variance needs, in plain Python.

scipy has all of them, and takes longer to import than a whole comparison does; the tests hold these to it.
"""

from __future__ import annotations

import math
from functools import lru_cache

_TERMS = 300
_SMALL = 1e-300
_PRECISE = 1e-14
_ASYMPTOTIC = 8.0
"""From here on the asymptotic series of digamma and trigamma are exact to 1e-10."""


def upper_tail(t: float, degrees: float) -> float:
    """P(T > t) of Student's t with so many degrees of freedom, which may be a fraction."""
    if t * t < degrees:  # the other argument would be next to 1, and its difference from 1 lost
        tail = 0.5 * (1 - _incomplete_beta(t * t / (degrees + t * t), 0.5, degrees / 2))
    else:
        tail = 0.5 * _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)
    return tail if t >= 0 else 1 - tail


@lru_cache(maxsize=4096)
def quantile(tail: float, degrees: float) -> float:
    """The t that is exceeded with probability ``tail``, at most one half."""
    low, high = 0.0, 2.0
    while upper_tail(high, degrees) > tail:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if upper_tail(middle, degrees) > tail else (low, middle)
    return high


def digamma(x: float) -> float:
    """The derivative of log gamma, x > 0."""
    below = 0.0
    while x < _ASYMPTOTIC:
        below -= 1 / x
        x += 1
    square = 1 / (x * x)
    return (
        below + math.log(x) - 1 / (2 * x) - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))
    )


def trigamma(x: float) -> float:
    """The derivative of digamma, x > 0."""
    below = 0.0
    while x < _ASYMPTOTIC:
        below += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    series = square * (1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30)))
    return below + 1 / x + square / 2 + series / x


def inverse_trigamma(y: float) -> float:
    """The x with trigamma(x) = y, y > 0; by bisection on a decreasing function."""
    low, high = 1e-8, 1.0
    while trigamma(high) > y:
        low, high = high, 2 * high
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if trigamma(middle) > y else (low, middle)
    return high


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function by its continued fraction (modified Lentz)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # there the fraction of the complement converges faster
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    # What stays away from zero does so in line: a thousand cases come here a quarter of a million times.
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    fraction = d = 1 / (d if abs(d) > _SMALL else _SMALL)
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for numerator in (even, odd):
            d = 1 + numerator * d
            d = 1 / (d if abs(d) > _SMALL else _SMALL)
            c = 1 + numerator / c
            c = c if abs(c) > _SMALL else _SMALL
            fraction *= c * d
        if abs(c * d - 1) < _PRECISE:
            break
    return front * fraction
