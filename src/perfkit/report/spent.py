"""How much of a run's time went into its rounds, in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def spent_line(spent_s: Mapping[str, float]) -> str | None:
    """From a run record's ``spent_s``: the share of the rounds, builds aside, and the largest of what else there was.

    None where it isn't known, or nothing was measured.
    """
    rounds_s, builds_s = spent_s.get("rounds", 0.0), spent_s.get("building", 0.0)
    whole_s = spent_s.get("whole", 0.0) - builds_s
    if rounds_s <= 0 or whole_s <= 0:
        return None
    others = {name: part_s for name, part_s in spent_s.items() if name not in ("whole", "building", "rounds")}
    others["else"] = max(0.0, whole_s - rounds_s - sum(others.values()))
    told = ", ".join(f"{name} {part_s:.0f} s" for name, part_s in sorted(others.items(), key=_largest_first))
    aside = f"; builds aside: {builds_s:.0f} s" if builds_s else ""
    return f"{rounds_s / whole_s:.0%} of {whole_s:.0f} s in rounds ({told}){aside}"


def _largest_first(part: tuple[str, float]) -> tuple[float, str]:
    return -part[1], part[0]
