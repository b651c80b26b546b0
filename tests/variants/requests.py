"""What variants are built from in tests: real models and real pictures, at small sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from perfkit.catalog.images import ImageSet, Preprocessing, calibration_images, evaluation_images
from perfkit.variants.base import BuildRequest

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from perfkit.catalog.case import Shape, ShapeProfile

CPU = torch.device("cpu")


def request_for(model: nn.Module, profile: ShapeProfile, preprocessing: Preprocessing, cache: Path) -> BuildRequest:
    """As the measuring does it: calibration pictures of each of the profile's shapes."""
    pictures = calibration_images()
    calibration = [batch for shape in profile.shapes() for batch in _batches(pictures, shape, preprocessing, 8)]
    (example,) = _batches(pictures, profile.opt, preprocessing, 1)
    return BuildRequest(
        model=model,
        profile=profile,
        example=example,
        calibration=calibration,
        device=CPU,
        cache=cache,
        tf32=True,
        label="model",
        weights_sha256="0" * 64,
        calibration_sha256=pictures.sha256,
        machine={"hardware": "Made Up CPU, 24 GiB"},
    )


def evaluation_batches(shape: Shape, preprocessing: Preprocessing, count: int = 2) -> list[Tensor]:
    return _batches(evaluation_images(), shape, preprocessing, count)


def _batches(pictures: ImageSet, shape: Shape, preprocessing: Preprocessing, count: int) -> list[Tensor]:
    return list(pictures.batches(shape, preprocessing, count, CPU))
