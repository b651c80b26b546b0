"""GitHub annotations: workflow commands that a step prints, shown beside the run and in a pull request.

GitHub shows ten errors and ten warnings of a step and drops the others without a word, so the last one counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.judge.verdict import FindingKind, Verdict
from perfkit.report.table import why
from perfkit.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfkit.judge.verdict import Row
    from perfkit.report.exporter import Report

_MOST = 10
_NO_NEWS = (FindingKind.NOISE_FLOOR, FindingKind.TAILS, FindingKind.SKIPPED)
"""Told every night; of the others there are fewer than GitHub shows."""


def export(report: Report) -> bytes:
    """A line an annotation: errors for what fails the run, warnings for what could not be told, findings, summary."""
    judgement = report.judgement
    failing = [row for row in judgement.rows if row.verdict.fails]
    doubtful = [row for row in judgement.rows if row.verdict is Verdict.INCONCLUSIVE]
    lines = [*_lines("error", failing), *_lines("warning", doubtful)]
    if judgement.refusal is not None:
        lines.append(command("notice", "perfkit: nothing was judged", judgement.refusal.text))
    lines += [
        command("notice", f"perfkit: {finding.kind}", finding.text)
        for finding in judgement.findings
        if finding.kind not in _NO_NEWS
    ]
    lines.append(command("notice", "perfkit", judgement.summary))
    return "".join(f"{line}\n" for line in lines).encode()


def command(level: str, title: str, message: str) -> str:
    """One workflow command; nothing in title or message ends it or starts another."""
    # What doesn't print is escaped first, so that line ends are gone already; the percent sign is the runner's own.
    value = printable(message).replace("%", "%25")
    name = printable(title).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{value}"


def _lines(level: str, rows: Sequence[Row]) -> Iterator[str]:
    shown = rows if len(rows) <= _MOST else rows[: _MOST - 1]
    for row in shown:
        yield command(level, f"{row.verdict} {row.case}", why(row) or str(row.verdict))
    if len(rows) > len(shown):
        yield command(level, "perfkit", f"and {len(rows) - len(shown)} more cases; the report has all")
