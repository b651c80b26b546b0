"""The write-up's table and the honest one, side by side: a row as a file keeps it, and all as Markdown lines."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from perfkit.record.model import Model, Seconds
from perfkit.record.schema import Agreement
from perfkit.report.units import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence


class WriteupRow(Model):
    """One variant at one shape."""

    variant: str
    loop_s: Seconds
    """Its way: seconds a call in a loop that waits for nothing."""
    state_dict_bytes: int | None
    """Its way: the saved state dict; None where there is no module.

    Of a TorchScript module with an engine, as the write-up had it, it is empty; Torch-TensorRT's modules of today put
    the engine into it.
    """
    wall_s: list[Seconds]
    """Synchronize, call, synchronize, warmed up, on pictures; a time a call."""
    device_s: list[Seconds] | None
    file_bytes: int
    """What is saved and can be loaded and called again; the state dict of an eager model."""
    agreement: Agreement
    """With eager-fp32, on pictures."""
    reloaded_equal: bool | None
    """Whether what was saved and loaded gives the same bits; None for an eager model."""


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
