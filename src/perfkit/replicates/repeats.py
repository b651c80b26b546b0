"""Which cases are measured again, and how pytest is asked for them alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.judge.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.verdict import Judgement, Row

CASE_OPTION = "--perfkit-case"
_DOUBTFUL = (Verdict.REGRESSED, Verdict.INCONCLUSIVE)
"""Verdicts that more replicates may change: a regression has to be seen again, what can't be told perhaps can."""


def cases_in_doubt(judgement: Judgement) -> list[Row]:
    """What more replicates may decide."""
    # A plain pytest-benchmark test beside the cases can't be chosen by --perfkit-case.
    rows = [row for row in judgement.rows if (row.compared or row.disturbed) and row.variant]
    return [row for row in rows if row.verdict in _DOUBTFUL]


def narrowed(arguments: Sequence[str], cases: Iterable[CaseId]) -> list[str]:
    """Pytest's arguments for these cases alone, without the user's own choice of cases."""
    kept = []
    previous = ""
    for argument in arguments:
        if CASE_OPTION not in (argument, previous) and not argument.startswith(f"{CASE_OPTION}="):
            kept.append(argument)
        previous = argument
    return [*kept, *(f"{CASE_OPTION}={case}" for case in cases)]
