"""Where TensorRT's timing cache is: with it a build takes seconds, without it minutes, and picks other tactics."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from pathlib import Path


def timing_cache_path(folder: Path) -> Path:
    """One timing cache per GPU model and TensorRT version: tactics of another are worthless or wrong."""
    import tensorrt

    gpu = torch.cuda.get_device_name().lower().replace(" ", "-")
    return folder / "timing" / f"{gpu}-tensorrt-{tensorrt.__version__}.bin"


def timing_cache_facts(known: bytes) -> dict[str, Any]:
    """What a build's facts say of the cache that it began with: two builds from different ones pick other tactics."""
    digest = hashlib.sha256(known).hexdigest() if known else None
    return {"timing_cache_bytes": len(known), "timing_cache_sha256": digest}
