"""The 2022 write-up's table, its numbers beside those that mean something: what ``measure.writeup`` takes."""

from __future__ import annotations

from perfkit.record.model import Model, Seconds
from perfkit.record.schema import Agreement


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
