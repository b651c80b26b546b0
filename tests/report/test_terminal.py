from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfkit.report.table import table_of
from perfkit.report.terminal import render
from tests.golden import assert_golden
from tests.report.examples import every_kind, first_run, waived

GOLDEN = Path(__file__).parent / "golden"
ANSI = re.compile(r"\x1b\[[\d;]*m")


@pytest.mark.parametrize("width", [180, 70])
def test_the_whole_report(width: int) -> None:
    text = render(every_kind(), width=width, color=False)
    assert_golden(GOLDEN / f"terminal-{width}.txt", text + "\n")


def test_a_run_without_a_baseline_has_its_numbers() -> None:
    text = render(first_run(), width=160, color=False)
    assert_golden(GOLDEN / "terminal-first-run.txt", text + "\n")


def test_what_is_waived_and_what_has_drifted() -> None:
    text = render(waived(), width=160, color=False)
    assert_golden(GOLDEN / "terminal-waived.txt", text + "\n")


@pytest.mark.parametrize("width", [30, 45, 80, 109, 110, 150, 250])
def test_no_line_is_wider_than_asked(width: int) -> None:
    for judgement in (every_kind(), first_run()):
        lines = render(judgement, width=width, color=False).splitlines()
        assert max(map(len, lines)) <= width


def test_colour_only_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("COLUMNS", "20"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    plain = render(every_kind(), width=180, color=False)
    assert "\x1b" not in plain
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    coloured = render(every_kind(), width=180, color=True)
    assert "\x1b[1;31m▼ REGRESSED" in coloured
    without = [line.rstrip() for line in ANSI.sub("", coloured).splitlines()]
    assert without == plain.splitlines()


@pytest.mark.parametrize("width", [70, 150, 180, 250])
def test_nothing_is_cut_off(width: int) -> None:
    """Folded or in paragraphs, but every word of every row is there."""
    judgement = every_kind()
    words = render(judgement, width=width, color=False).replace(",", "").split()
    for _, cells in table_of(judgement).rows:
        for cell in cells:
            assert set(cell.replace(",", "").split()) <= set(words) | {"-"}
