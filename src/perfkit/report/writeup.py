"""The write-up's table and the honest one, side by side, as Markdown lines."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from perfkit.report.units import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.record.writeup import WriteupRow


_COLUMNS = (
    *("variant", "its loop, ms", "its speedup", "its MB"),
    *("wall ms (middle half)", "wall speedup", "device ms", "device speedup", "file MB"),
    *("lowest cosine", "loaded again"),
)
"""The write-up's own come first."""


def writeup_lines(rows: Sequence[WriteupRow]) -> list[str]:
    """A table whose first row is what the others are compared with."""
    lines = [
        f"| {' | '.join(_COLUMNS)} |",
        "|---" * len(_COLUMNS) + "|",
    ]
    first = rows[0]
    for row in rows:
        wall_s, ordered = median(row.wall_s), sorted(row.wall_s)
        quarter = len(ordered) // 4
        device, device_speedup = NOTHING, NOTHING
        if row.device_s and first.device_s:
            device = f"{median(row.device_s) * 1e3:.3f}"
            device_speedup = f"{median(first.device_s) / median(row.device_s):.2f}"
        loaded = {None: NOTHING, True: "same bits", False: "other answers"}[row.reloaded_equal]
        lines.append(
            f"| {row.variant} | {row.loop_s * 1e3:.4f} | {first.loop_s / row.loop_s:.1f} "
            f"| {NOTHING if row.state_dict_bytes is None else f'{row.state_dict_bytes / 1e6:.4f}'} "
            f"| {wall_s * 1e3:.3f} ({ordered[quarter] * 1e3:.3f} to {ordered[-quarter - 1] * 1e3:.3f}) "
            f"| {median(first.wall_s) / wall_s:.1f} | {device} | {device_speedup} "
            f"| {row.file_bytes / 1e6:.1f} | {row.agreement.cosine_min:.5f} | {loaded} |"
        )
    return lines
