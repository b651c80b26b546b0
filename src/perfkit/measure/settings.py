"""Global PyTorch settings that decide what eager means: set explicitly, recorded, part of comparability."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from perfkit.catalog.case import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.catalog.config import Settings

_HOST_THREADS = 8
"""On CUDA, where the CPU has little to do: as many as a large host has processors wait for one another, the more where
another GPU of it is measured too (docs/shared-hosts.md)."""


@contextmanager
def applied(settings: Settings, platform: Platform) -> Iterator[dict[str, str | int | bool]]:
    """Sets them for a run, yields what a record holds, and puts the old ones back."""
    threads = torch.get_num_threads()
    if platform is Platform.CPU:
        yield {"threads": threads}
        return
    convolution: Any = torch.backends.cudnn.conv  # type: ignore[attr-defined] # made at run time
    matmul = torch.backends.cuda.matmul
    before = (convolution.fp32_precision, matmul.fp32_precision, torch.backends.cudnn.benchmark)
    torch.set_num_threads(min(threads, _HOST_THREADS))
    convolution.fp32_precision = "tf32" if settings.tf32_convolution else "ieee"
    matmul.fp32_precision = "tf32" if settings.tf32_matmul else "ieee"
    torch.backends.cudnn.benchmark = settings.cudnn_benchmark
    try:
        yield {
            "tf32_convolution": settings.tf32_convolution,
            "tf32_matmul": settings.tf32_matmul,
            "cudnn_benchmark": settings.cudnn_benchmark,
        }
    finally:
        torch.set_num_threads(threads)
        convolution.fp32_precision, matmul.fp32_precision, torch.backends.cudnn.benchmark = before
