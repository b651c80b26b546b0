"""Numbers for people. Machine files never pass through here."""

from __future__ import annotations

NOTHING = "-"
_STEPS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def format_time(seconds: float) -> str:
    """Three significant digits in the unit that fits.

    >>> [format_time(t) for t in (12.3456, 0.99999, 0.00133, 9.999e-4, 2.5e-8)]
    ['12.3 s', '1.00 s', '1.33 ms', '1.00 ms', '25.0 ns']
    """
    for unit_s, unit in _STEPS:
        # Rounded first, so that 999.96 µs becomes 1.00 ms and not 1000 µs.
        value = float(f"{seconds / unit_s:.3g}")
        if value >= 1 or unit == _STEPS[-1][1]:
            return f"{_three_digits(value)} {unit}"
    raise AssertionError("the last unit takes every time")


def format_speedup(factor: float) -> str:
    """A factor with two decimals.

    >>> format_speedup(3.0941)
    '3.09x'
    """
    return f"{factor:.2f}x"


def format_change(percent: float) -> str:
    """A signed percentage with one decimal; what rounds to nothing has no sign of a loss.

    >>> format_change(-23.07), format_change(-0.01)
    ('-23.1%', '+0.0%')
    """
    return f"{percent:+z.1f}%"


def _three_digits(value: float) -> str:
    decimals = 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004  (three digits in all)
    return f"{value:.{decimals}f}"
