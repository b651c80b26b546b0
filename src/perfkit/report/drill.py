"""What a drill found, as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.judge.drill import Check


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
