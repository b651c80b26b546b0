"""How far a case's device time is from its roofline, as a number and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.judge.metric import Metric
from perfkit.judge.roofline import roofline_of
from perfkit.report.units import format_time

if TYPE_CHECKING:
    from perfkit.judge.verdict import Row
    from perfkit.record.replicate import Sample


def times_the_roofline(row: Row, sample: Sample | None, hardware: str) -> float | None:
    """The device time over the least that the card could take; None where one of the two isn't known."""
    time_s = _device_s(row)
    if time_s is None or sample is None or sample.work is None:
        return None
    roofline = roofline_of(hardware, sample.work)
    return None if roofline is None or roofline.least_s == 0 else time_s / roofline.least_s


def roofline_words(row: Row, sample: Sample | None, hardware: str) -> str:
    """A sentence or two; empty where there is no device time."""
    time_s = _device_s(row)
    if time_s is None or sample is None:
        return ""
    if sample.work is None:
        return "No roofline: the record doesn't hold the model's bytes and FLOPs."
    work, roofline = sample.work, roofline_of(hardware, sample.work)
    if roofline is None:
        return f"No roofline: the rates of {hardware} at {work.precision} aren't known to perfkit."
    if roofline.least_s == 0:
        return "No roofline: the model has neither bytes nor FLOPs that are counted."
    arithmetic, memory = format_time(roofline.arithmetic_s), format_time(roofline.memory_s)
    bound = "arithmetic" if roofline.arithmetic_s >= roofline.memory_s else "memory"
    return (
        f"The device time is {time_s / roofline.least_s:.1f}x the roofline's {format_time(roofline.least_s)}, which "
        f"the {bound} bounds: {work.flops / 1e9:.3g} GFLOP at {work.precision} take {arithmetic}, "
        f"{work.min_bytes / 1e6:.3g} MB at the least take {memory} ({roofline.card.source})."
    )


def _device_s(row: Row) -> float | None:
    found = row.metric(Metric.DEVICE_TIME)
    return None if found is None else found.current
