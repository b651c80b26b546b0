from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfkit.report.columns import columns
from perfkit.report.text import cell_width
from perfkit.report.units import NOTHING

HEADINGS = ("case", "size", "why")
words = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("C", "Z", "M")), max_size=30)
tables = st.lists(st.tuples(words, words, words), min_size=1, max_size=5)


def test_columns_where_they_fit() -> None:
    rows = [("a", "8%", ""), ("resnet50", "0.3 ms", "late")]
    assert list(columns(HEADINGS, rows, 22)) == [
        "case      size    why",
        "a         8%      -",
        "resnet50  0.3 ms  late",
    ]


def test_paragraphs_where_they_do_not() -> None:
    rows = [("a", "8%", ""), ("resnet50", "0.3 ms", "late")]
    assert list(columns(HEADINGS, rows, 21)) == ["a", "    size 8%", "resnet50", "    size 0.3 ms, why", "    late"]


def test_what_would_steer_the_terminal_is_escaped() -> None:
    shown = "\n".join(columns(HEADINGS, [("a\x1b[2J", "b\nc", "d")], 80))
    assert "\x1b" not in shown
    assert "b\\nc" in shown


@given(tables, st.integers(min_value=20, max_value=200))
def test_no_line_is_too_wide_and_no_word_is_lost(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = list(columns(HEADINGS, rows, width))
    assert max(map(cell_width, lines)) <= width
    shown = "".join("".join(lines).split())
    for row in rows:
        for cell in row:
            assert cell in shown or cell == NOTHING  # which no paragraph tells
