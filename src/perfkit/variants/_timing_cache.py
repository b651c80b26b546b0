"""TensorRT's timing cache: with it a build takes seconds, without it minutes, and picks other tactics.

TensorRT reads it in native code and takes its times as they are, so that a damaged one may crash a build or choose slow
tactics without a word. Its digest lies beside it, and one that has another digest is removed: the build begins cold.
"""

from __future__ import annotations

import hashlib
import os
import warnings
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


def read_timing_cache(path: Path) -> bytes:
    """What is known of this GPU's kernels; nothing where there is no cache, or where it is damaged and removed.

    One without a digest is taken as it is: older than this, or somebody else's. A process that died between writing
    the cache and its digest leaves one that counts as damaged, which costs a cold build.
    """
    try:
        known, digest = path.read_bytes(), _digest_path(path)
    except FileNotFoundError:
        return b""
    except OSError as error:
        warnings.warn(f"the timing cache {path.name} can't be read: {error.strerror}: cold", stacklevel=2)
        return b""
    if not digest.is_file() or digest.read_text("utf-8", errors="replace").strip() == hashlib.sha256(known).hexdigest():
        return known
    path.unlink(missing_ok=True)
    digest.unlink(missing_ok=True)
    warnings.warn(f"the timing cache {path.name} was damaged and is removed: this build began cold", stacklevel=2)
    return b""


def seal_timing_cache(path: Path) -> None:
    """Writes the digest of what a builder has just left there. Raises OSError."""
    if path.is_file():
        target = _digest_path(path)
        scratch = target.with_name(f".{target.name}.{os.getpid()}")
        scratch.write_text(hashlib.sha256(path.read_bytes()).hexdigest() + "\n", "utf-8")
        scratch.replace(target)


def _digest_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
