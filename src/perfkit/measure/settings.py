"""Global PyTorch settings that decide what eager means: set explicitly, recorded, part of comparability."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from perfkit.catalog.case import Platform
from perfkit.catalog.config import Settings


@contextmanager
def applied(settings: Settings, platform: Platform) -> Iterator[dict[str, str | int | bool]]:
    """Sets them for a run, yields what a record holds, and puts the old ones back."""
    threads = torch.get_num_threads()
    if platform is Platform.CPU:
        yield {"threads": threads}
        return
    convolution, matmul = torch.backends.cudnn.conv, torch.backends.cuda.matmul
    before = (convolution.fp32_precision, matmul.fp32_precision, torch.backends.cudnn.benchmark)
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
        convolution.fp32_precision, matmul.fp32_precision, torch.backends.cudnn.benchmark = before
