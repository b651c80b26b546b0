"""Where TensorRT's timing cache is: with it a build takes seconds, without it minutes, and picks other tactics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from pathlib import Path


def timing_cache_path(folder: Path) -> Path:
    """One timing cache per GPU model and TensorRT version: tactics of another are worthless or wrong."""
    import tensorrt

    gpu = torch.cuda.get_device_name().lower().replace(" ", "-")
    return folder / "timing" / f"{gpu}-tensorrt-{tensorrt.__version__}.bin"
