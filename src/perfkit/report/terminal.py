"""The report for a terminal or a log: one table where it fits, one paragraph a case where not.

Written without rich on purpose: importing it takes a fifth of the half second in which
``perfkit compare`` must be done, for a table whose last column alone is ever folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.exit_codes import ExitCode
from perfkit.judge.verdict import Verdict
from perfkit.report.table import head_lines, remark_lines, table_of
from perfkit.report.text import cell_width, fold, pad, printable
from perfkit.report.units import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.judge.verdict import Judgement
    from perfkit.report.table import Table

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
_GAP = "  "
_INDENT = " " * 4
_NARROWEST_WHY = 24


def render(judgement: Judgement, *, width: int, color: bool) -> str:
    """The whole report as text of at most `width` columns, without a newline at its end.

    With `color` it holds ANSI escapes, without it none.
    """
    lines = [part for line in head_lines(judgement) for part in fold(line, width)]
    if judgement.rows:
        table = table_of(judgement)
        widths = _column_widths(table, width)
        body = _paragraphs(table, width, color=color)
        if widths is not None:
            body = _wide(table, widths, color=color)
        lines += ["", *body, ""]
    lines += [part for line in remark_lines(judgement) for part in fold(line, width)]
    ending = [judgement.summary]
    if judgement.refusal is not None:
        ending.insert(0, judgement.refusal.text)
    for line in ending:
        style = _EXIT_STYLES[judgement.exit_code]
        lines += [_styled(part, style, color=color) for part in fold(printable(line), width)]
    return "\n".join(line.rstrip() for line in lines)


def _column_widths(table: Table, width: int) -> list[int] | None:
    """How wide each column is; None when the last one, which is folded, would get too little."""
    columns = zip(table.headings, *(cells for _, cells in table.rows), strict=True)
    *widths, last = (max(map(cell_width, column)) for column in columns)
    room = width - sum(widths) - len(_GAP) * len(widths)
    return [*widths, min(last, room)] if room >= min(last, _NARROWEST_WHY) else None


def _wide(table: Table, widths: list[int], *, color: bool) -> Iterator[str]:
    yield _styled(_GAP.join(map(pad, table.headings, widths)).rstrip(), _BOLD, color=color)
    yield "─" * (sum(widths) + len(_GAP) * (len(widths) - 1))
    for verdict, cells in table.rows:
        case, word, *numbers, why = map(pad, cells, widths)
        start = [case, _styled(word, _STYLES[verdict], color=color), *numbers]
        first, *more = fold(why.rstrip(), widths[-1]) or [""]
        yield _GAP.join([*start, first])
        for line in more:
            yield _GAP.join([*(" " * column for column in widths[:-1]), line])


def _paragraphs(table: Table, width: int, *, color: bool) -> Iterator[str]:
    room = width - len(_INDENT)
    for verdict, (case, word, *numbers, why) in table.rows:
        first, *more = fold(f"{word}{_GAP}{case}", width)
        yield first.replace(word, _styled(word, _STYLES[verdict], color=color), 1)
        yield from more
        named = zip(table.headings[2:], numbers, strict=False)
        told = ", ".join(f"{name} {cell}" for name, cell in named if cell != NOTHING)
        yield from (f"{_INDENT}{line}" for text in (told, why) for line in fold(text, room))


def _styled(text: str, style: str, *, color: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color else text
