from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.report.exporter import Report
from perfkit.report.markdown import escape, export
from tests.golden import assert_golden
from tests.report.examples import every_kind, first_run

GOLDEN = Path(__file__).parent / "golden"


def test_the_whole_report() -> None:
    assert_golden(GOLDEN / "report.md", export(Report(every_kind())).decode())
    assert_golden(GOLDEN / "first-run.md", export(Report(first_run())).decode())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("resnet50/trt-fp16/1x3x224x224", "resnet50/trt-fp16/1x3x224x224"),
        ("a|b", "a&#124;b"),
        ("a\\|b", "a&#92;&#124;b"),
        ("`rm`", "&#96;rm&#96;"),
        ("<img src=x>", "&#60;img src=x&#62;"),
        ("&lt;", "&#38;lt;"),
        ("a\nb\r", "a&#92;nb&#92;r"),
        ("\x1b[31m\u202e", "&#92;x1b&#91;31m&#92;u202e"),
        ("*_~$@#!", "&#42;&#95;&#126;&#36;&#64;&#35;&#33;"),
    ],
)
def test_nothing_is_markup(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text())
def test_no_text_breaks_a_cell(text: str) -> None:
    escaped = escape(text)
    assert not set(escaped) & set("|<>`\n\r\x1b\u2028\u202e")
    assert len(escaped.splitlines()) <= 1
    escaped.encode("utf-8")
