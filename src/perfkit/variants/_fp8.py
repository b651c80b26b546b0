"""What FP8 needs of a GPU. It starts without torch."""

from __future__ import annotations

from perfkit.errors import reason_of

_LOWEST = (8, 9)
"""Ada; the first tensor cores that multiply FP8."""


def why_no_fp8() -> str | None:
    """Why the current GPU can't compute in FP8, in one line; None when it can."""
    try:
        import torch

        capability = torch.cuda.get_device_capability()
    except Exception as error:  # no driver, no device, a PyTorch without CUDA: each raises its own
        return f"FP8 needs a GPU of compute capability 8.9 or higher: {reason_of(error)}"
    if capability < _LOWEST:
        return "FP8 needs a GPU of compute capability 8.9 or higher, this one has {}.{}".format(*capability)
    return None
