"""The report for a terminal or a log: a table a model where they fit, one paragraph a case where not.

Written without rich on purpose: importing it takes a fifth of the half second in which
``perfkit compare`` must be done, for a table whose last column alone is ever folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.exit_codes import ExitCode
from perfkit.judge.verdict import Verdict
from perfkit.report.table import (
    by_model,
    count_words,
    head_lines,
    metric_lines,
    needs_a_look,
    remark_lines,
    table_of,
    whole_why,
)
from perfkit.report.text import GAP, INDENT, WIDTH_OF_FILES, cell_width, clip, fold, pad, printable
from perfkit.report.units import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfkit.judge.verdict import Judgement, Row
    from perfkit.report.exporter import Report
    from perfkit.report.table import Table

    Line = tuple[Row, tuple[str, ...]]

_BOLD, _RED, _YELLOW, _GREEN, _CYAN, _MAGENTA = "1", "1;31", "33", "32", "36", "35"
"""Parameters of ANSI's "select graphic rendition" (ECMA-48, 8.3.117)."""
_STYLES = {
    Verdict.BROKEN: _RED,
    Verdict.MISSING: _RED,
    Verdict.REGRESSED: _RED,
    Verdict.INCONCLUSIVE: _YELLOW,
    Verdict.WAIVED: _MAGENTA,
    Verdict.NEW: _CYAN,
    Verdict.PASS: _GREEN,
    Verdict.IMPROVED: f"{_BOLD};{_GREEN}",
}
_EXIT_STYLES = {
    ExitCode.PASS: _GREEN,
    ExitCode.FAIL: _RED,
    ExitCode.NOT_JUDGED: _YELLOW,
    ExitCode.INCONCLUSIVE: _YELLOW,
}
_NARROWEST_WHY = 24
_LONGEST_TITLE = 60


def export(report: Report) -> bytes:
    """For a file: 140 columns, no colour. A terminal has its own width and colour: see ``render``."""
    return (render(report.judgement, width=WIDTH_OF_FILES, color=False) + "\n").encode("utf-8", "backslashreplace")


def render(judgement: Judgement, *, width: int, color: bool, verbosity: int = 0) -> str:
    """The whole report as text of at most `width` columns, without a newline at its end.

    With `color` it holds ANSI escapes, without it none. Below a `verbosity` of 0 it has the cases that somebody has to
    look at and how it came out, above 0 every metric with its interval and every reason in full length.
    """
    quiet, wordy = verbosity < 0, verbosity > 0
    lines = [] if quiet else [part for line in head_lines(judgement) for part in fold(line, width)]
    shown = [row for row in judgement.rows if needs_a_look(row)] if quiet else judgement.rows
    if shown:
        lines += ["", *_tables(judgement, shown, width, color=color, wordy=wordy)]
    if not quiet:
        lines += [part for line in remark_lines(judgement) for part in fold(line, width)]
    ending = [judgement.summary]
    if judgement.refusal is not None:
        ending.insert(0, judgement.refusal.text)
    for line in ending:
        style = _EXIT_STYLES[judgement.exit_code]
        lines += [_styled(part, style, color=color) for part in fold(printable(line), width)]
    return "\n".join(line.rstrip() for line in lines).lstrip("\n")


def _tables(judgement: Judgement, shown: Sequence[Row], width: int, *, color: bool, wordy: bool) -> Iterator[str]:
    """A table for each model with an empty line behind it; all have the same columns."""
    whole = table_of(judgement, shown)
    cells = {row.case: cells for row, (_, cells) in zip(shown, whole.rows, strict=True)}
    widths = None if wordy else _column_widths(whole, width)
    for model, rows in by_model(shown).items():
        title = f"{clip(printable(model), _LONGEST_TITLE)}: {count_words(rows)}"
        for part in fold(title, width):
            yield _styled(part, _BOLD, color=color)
        table = [(row, cells[row.case]) for row in rows]
        if widths is not None:
            yield from _wide(whole.headings, table, widths, color=color)
        else:
            yield from _paragraphs(whole.headings, table, width, color=color, wordy=wordy)
        yield ""


def _column_widths(table: Table, width: int) -> list[int] | None:
    """How wide each column is; None when the last one, which is folded, would get too little."""
    columns = zip(table.headings, *(cells for _, cells in table.rows), strict=True)
    *widths, last = (max(map(cell_width, column)) for column in columns)
    room = width - sum(widths) - len(GAP) * len(widths)
    return [*widths, min(last, room)] if room >= min(last, _NARROWEST_WHY) else None


def _wide(headings: Sequence[str], table: Sequence[Line], widths: list[int], *, color: bool) -> Iterator[str]:
    yield GAP.join(map(pad, headings, widths)).rstrip()
    yield "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    for row, cells in table:
        case, word, *numbers, why = map(pad, cells, widths)
        start = [case, _styled(word, _STYLES[row.verdict], color=color), *numbers]
        first, *more = fold(why.rstrip(), widths[-1]) or [""]
        yield GAP.join([*start, first])
        for line in more:
            yield GAP.join([*(" " * column for column in widths[:-1]), line])


def _paragraphs(
    headings: Sequence[str], table: Sequence[Line], width: int, *, color: bool, wordy: bool
) -> Iterator[str]:
    room = width - len(INDENT)
    for row, (case, word, *numbers, why) in table:
        first, *more = fold(f"{word}{GAP}{case}", width)
        yield first.replace(word, _styled(word, _STYLES[row.verdict], color=color), 1)
        yield from more
        named = zip(headings[2:], numbers, strict=False)
        told = ", ".join(f"{name} {cell}" for name, cell in named if cell != NOTHING)
        texts = [*metric_lines(row), whole_why(row)] if wordy else [told, why]
        yield from (f"{INDENT}{line}" for text in texts for line in fold(text, room))


def _styled(text: str, style: str, *, color: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color else text
