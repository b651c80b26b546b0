"""The report as GitHub Markdown, for step summaries and pull requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from perfkit.report.table import head_lines, remark_lines, table_of
from perfkit.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.judge.verdict import Judgement

_SPECIAL = re.compile(r"[&<>|`\\*_\[\]~$@#!]")
"""Everything that starts markup, a table cell, a formula, a mention or a reference on GitHub."""


def render(judgement: Judgement) -> str:
    """The whole report as Markdown, ending with a newline."""
    blocks = [f"**{escape(judgement.summary)}**"]
    if judgement.refusal is not None:
        blocks.append(escape(judgement.refusal.text))
    if judgement.rows:
        table = table_of(judgement)
        lines = [_row(table.headings), _row("---" for _ in table.headings)]
        lines += [_row(escape(cell) for cell in cells) for _, cells in table.rows]
        blocks.append("\n".join(lines))
    remarks = [*remark_lines(judgement), *head_lines(judgement)]
    blocks.append("\n".join(f"- {escape(line)}" for line in remarks))
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    """The text so that GitHub shows it as it is, in one line, inside a table cell or outside.

    Entities rather than backslashes: they mean the same in a cell, and never meet a backslash of
    the text itself.
    """
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", printable(text))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
