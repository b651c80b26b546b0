"""The report as GitHub Markdown, for a step summary or a comment on a pull request: what matters first.

A comment holds 65,536 characters and a summary 1 MiB; beyond either GitHub keeps nothing. So the whole stays below
60 kB, and the best cases are left out first. What isn't for everyone is folded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from perfkit.report.table import count_words, head_lines, needs_a_look, remark_lines, table_of
from perfkit.report.text import clip, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from perfkit.judge.verdict import Judgement, Row
    from perfkit.report.exporter import Report

MOST_BYTES = 60_000
_MOST_REMARKS, _LONGEST_REMARK = 30, 300
_RESERVE_BYTES = 300
"""For the two headings, what folds the second table, and the line that counts what is left out."""
_SPECIAL = re.compile(r"[&<>|`\\*_\[\]~$@#!]|:(?=//)|(?<=www)\.", re.IGNORECASE)
"""Everything that starts markup, a table cell, a formula, a mention, a reference or a link of itself on GitHub."""


def export(report: Report) -> bytes:
    """At most MOST_BYTES of UTF-8, ending with a newline."""
    judgement = report.judgement
    before = [f"**{_line(judgement.summary)}**"]
    if judgement.refusal is not None:
        before.append(_line(judgement.refusal.text))
    remarks = _list(remark_lines(judgement))
    after = [*([remarks] if remarks else []), folded("what was compared", _list(head_lines(judgement)))]
    taken = sum(len(block.encode()) + 2 for block in [*before, *after])
    return ("\n\n".join([*before, *_tables(judgement, MOST_BYTES - taken), *after]) + "\n").encode()


def escape(text: str) -> str:
    """The text so that GitHub shows it as it is, in one line, inside a table cell or outside.

    Entities rather than backslashes: they mean the same in a cell, and never meet a backslash of
    the text itself.
    """
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", printable(text))


def table_row(cells: Iterable[str]) -> str:
    """Of cells that are escaped already."""
    return f"| {' | '.join(cells)} |"


def folded(title: str, block: str) -> str:
    """The block behind a title that is clicked on."""
    # Without the empty lines GitHub takes the block for HTML and not for Markdown.
    return f"<details><summary>{title}</summary>\n\n{block}\n\n</details>"


def _tables(judgement: Judgement, room: int) -> Iterator[str]:
    """What somebody has to look at, then the rest, folded; as many rows as `room` bytes hold."""
    table = table_of(judgement)
    heading = "\n".join([table_row(table.headings), table_row("---" for _ in table.headings)])
    room -= 2 * len(heading.encode()) + _RESERVE_BYTES
    open_rows: list[str] = []
    folded_rows: list[str] = []
    for number, (row, (_, cells)) in enumerate(zip(judgement.rows, table.rows, strict=True)):
        line = table_row(map(escape, cells))
        room -= len(line.encode()) + 1
        if room < 0:
            left_out = judgement.rows[number:]
            break
        (open_rows if needs_a_look(row) else folded_rows).append(line)
    else:
        left_out = ()
    if open_rows:
        yield "\n".join([heading, *open_rows])
    if folded_rows:
        yield folded(_others(judgement.rows), "\n".join([heading, *folded_rows]))
    if left_out:
        yield f"{len(left_out)} more cases are left out here, the best ones: {count_words(left_out)}."


def _others(rows: Sequence[Row]) -> str:
    return count_words(row for row in rows if not needs_a_look(row))


def _list(lines: Sequence[str]) -> str:
    shown = [f"- {_line(line)}" for line in lines[:_MOST_REMARKS]]
    if len(lines) > len(shown):
        shown.append(f"- and {len(lines) - len(shown)} more")
    return "\n".join(shown)


def _line(text: str) -> str:
    return escape(clip(text, _LONGEST_REMARK))
