"""What a drill found, as lines of text or for scripts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from perfkit.judge.verdict import Verdict
from perfkit.report.units import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfkit.judge.drill import Check
    from perfkit.judge.field import Seen
    from perfkit.judge.verdict import Judgement, Row


def drill_lines(checks: Sequence[Check], replicates: int, alarms: tuple[int, int]) -> list[str]:
    """A line a fault: how often it was named, and it alone; then the false alarms between the replicates."""
    width = max(len(check.fault) for check in checks)
    lines = [f"{'fault':{width}}  named"]
    for check in checks:
        failed = "" if check.passed else "  ✗ a judge that overlooks this can't be trusted"
        lines.append(f"{check.fault:{width}}  {check.named} of {check.of}{failed}")
    count, judged = alarms
    if judged:
        lines.append(
            f"nothing put in, each of {replicates} replicates against the others: {count} of {judged} cases REGRESSED"
        )
    else:
        lines.append("one replicate: its false alarms can't be told; record more with perfkit run --replicates")
    return lines


def field_lines(clean: Judgement, found: Sequence[Seen], alarms: Sequence[Sequence[Row]]) -> list[str]:
    """A line a fault: what it was named; then what the nights said of cases without one, the clean night first."""
    width = max(len(str(each.fault)) for each in found)
    lines = [f"{'fault':{width}}  {'verdict':12}  could see"]
    for each in found:
        could = NOTHING if each.clean.detectable_pct is None else f"{each.clean.detectable_pct:.1f}%"
        missed = "" if each.named else "  missed"
        if each.is_demanded and not each.named:
            missed = "  ✗ a gate that overlooks this can't be trusted"
        lines.append(f"{each.fault!s:{width}}  {each.verdict:12}  {could}{missed}")
    blind = sum(row.compared and row.verdict is Verdict.INCONCLUSIVE for row in clean.rows)
    lines.append(f"clean night: {_falsely(alarms[:1])}, {blind} of {len(clean.rows)} INCONCLUSIVE")
    lines.append(f"{len(alarms) - 1} nights with faults: of the cases without one {_falsely(alarms[1:])}")
    return lines


def drill_json(checks: Sequence[Check], replicates: int, alarms: tuple[int, int]) -> dict[str, Any]:
    """The same as :func:`drill_lines` for scripts; false alarms are None where one replicate can't tell."""
    count, judged = alarms
    return {
        "checks": [{**asdict(check), "passed": check.passed} for check in checks],
        "replicates": replicates,
        "false_alarms": {"cases": count, "of": judged} if judged else None,
    }


def field_json(clean: Judgement, found: Sequence[Seen], alarms: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """The same as :func:`field_lines` for scripts; of the nights the clean one is the first."""
    return {
        "faults": [
            {
                "fault": str(each.fault),
                "verdict": str(each.verdict),
                "reason": each.reason,
                "named": each.named,
                "is_demanded": each.is_demanded,
                "could_see_pct": each.clean.detectable_pct,
            }
            for each in found
        ],
        "clean": {str(verdict): count for verdict, count in clean.counts.items()},
        "false_alarms": [[{"case": str(row.case), "verdict": str(row.verdict)} for row in night] for night in alarms],
    }


def _falsely(alarms: Iterable[Sequence[Row]]) -> str:
    rows = [f"{row.case} {row.verdict}" for found in alarms for row in found]
    return f"{len(rows)} named falsely" + (f" ({', '.join(rows)})" if rows else "")
