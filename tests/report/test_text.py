from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.report import units
from perfkit.report.text import cell_width, clip, fold, pad, printable, shorten
from perfkit.report.units import format_change, format_speedup, format_time


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 模型", "plain é 模型"),
        ("\x1b[0m", "\\x1b[0m"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202eevil\u2069", "\\u202eevil\\u2069"),
        ("\ud800", "\\ud800"),
        ("\u2028", "\\u2028"),
    ],
)
def test_what_does_not_show_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.lists(st.text(max_size=80), unique=True), st.integers(16, 60))
def test_shortened_names_fit_and_stay_distinct(names: list[str], length: int) -> None:
    shown = shorten(names, length)
    assert all(len(text) <= length for text in shown.values())
    long = [name for name in names if len(printable(name)) > length]
    assert len({shown[name] for name in long}) == len(long)


def test_a_long_name_keeps_both_ends() -> None:
    name = "start" + "x" * 280 + "the-end"
    assert shorten([name], 30)[name].startswith("startx")
    assert "the-end~" in shorten([name], 30)[name]


def test_clip() -> None:
    assert clip("short", 5) == "short"
    assert clip("longer", 5) == "long…"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, []),
        ("a few words", 20, ["a few words"]),
        ("a few words", 5, ["a few", "words"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("a abcdefghij b", 4, ["a", "abcd", "efgh", "ij b"]),
        ("模型模型", 4, ["模型", "模型"]),
    ],
)
def test_fold(text: str, width: int, lines: list[str]) -> None:
    assert fold(text, width) == lines


@given(st.text(), st.integers(2, 30))
def test_folding_loses_nothing_and_fits(text: str, width: int) -> None:
    shown = printable(text)
    lines = fold(shown, width)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")
    assert all(cell_width(line) <= width for line in lines)


def test_columns_of_a_terminal() -> None:
    assert cell_width("ab模e\u0301") == 5
    assert pad("模", 4) == "模  "


def test_examples_of_units() -> None:
    assert doctest.testmod(units).failed == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3600, "3600 s"),
        (1.0, "1.00 s"),
        (0.9996, "1.00 s"),
        (0.9994, "999 ms"),
        (0.01234, "12.3 ms"),
        (0.1, "100 ms"),
        (9.999e-4, "1.00 ms"),
        (7.12e-4, "712 µs"),
        (1e-9, "1.00 ns"),
        (1.2e-10, "0.12 ns"),
    ],
)
def test_times_at_the_edges_of_their_units(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


def test_speedups_and_changes() -> None:
    assert format_speedup(0.998) == "1.00x"
    assert format_change(30.04) == "+30.0%"
    assert format_change(-0.04) == "+0.0%"
