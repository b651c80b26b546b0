"""What scripts build variants from: one model, one calibration batch, the shipped configuration's defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.config import Precision, Quantization
from perfkit.variants.base import BuildRequest

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from perfkit.catalog.case import ShapeProfile
    from perfkit.catalog.images import ImageSet
    from perfkit.catalog.models import LoadedModel


def build_request(
    model: LoadedModel, label: str, profile: ShapeProfile, images: ImageSet, device: torch.device, cache: Path
) -> BuildRequest:
    """For a single build outside of a run."""
    calibration: Tensor
    (calibration,) = images.batches(profile.opt, model.preprocessing, 1, device)
    return BuildRequest(
        model=model.module,
        profile=profile,
        example=calibration,
        calibration=[calibration],
        device=device,
        cache=cache,
        tf32=True,
        label=label,
        weights_sha256=model.weights_sha256,
        calibration_sha256=images.sha256,
        machine={},
        quantization=Quantization(),
        precision=Precision(),
        time_limit_s=600.0,
    )
