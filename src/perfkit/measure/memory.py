"""Device memory of a case: what PyTorch's allocator tells, and what the driver does."""

from __future__ import annotations

import torch

from perfkit.catalog.case import Platform
from perfkit.record.facts import Memory


def allocated_bytes(device: torch.device) -> int | None:
    """What PyTorch holds now, where the peak begins anew; None on the CPU platform."""
    if device.type != Platform.CUDA:
        return None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def give_back(device: torch.device) -> None:
    """What a case left in PyTorch's cache, its graphs' memory above all: a capture that follows can't take from there.

    Else the next shape, or the next variant's builder, would find less room than in a process that measures it alone.
    """
    if device.type == Platform.CUDA:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def memory_since(before_bytes: int | None, peak_build_bytes: int | None) -> Memory:
    """After calls; ``before_bytes`` is what :func:`allocated_bytes` returned before them."""
    if before_bytes is None:
        return Memory()
    # The driver has no peak, and needs none: PyTorch keeps what it took, TensorRT's contexts take theirs when made.
    free_bytes, total_bytes = torch.cuda.mem_get_info()
    return Memory(
        peak_build_bytes=peak_build_bytes,
        call_bytes=torch.cuda.max_memory_allocated() - before_bytes,
        device_used_bytes=total_bytes - free_bytes,
    )
