"""What variants are built from in tests: real models and real pictures, at small sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from perfkit.catalog.case import ShapeProfile
from perfkit.catalog.config import Precision, Quantization
from perfkit.catalog.images import ImageSet, Preprocessing, calibration_images, evaluation_images
from perfkit.variants.base import BuildRequest

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from perfkit.catalog.case import Shape

CPU = torch.device("cpu")
FIXED = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 64, 64), max=(1, 3, 64, 64))


class Tiny(nn.Module):
    """Three operators, for what is about graphs and not about models."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolution(images)).mean((2, 3))


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
        quantization=Quantization(),
        precision=Precision(),
        time_limit_s=600.0,
    )


def evaluation_batches(shape: Shape, preprocessing: Preprocessing, count: int = 2) -> list[Tensor]:
    return _batches(evaluation_images(), shape, preprocessing, count)


def _batches(pictures: ImageSet, shape: Shape, preprocessing: Preprocessing, count: int) -> list[Tensor]:
    return list(pictures.batches(shape, preprocessing, count, CPU))
