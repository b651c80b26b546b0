"""What variants are built from in tests: real models and real pictures, at small sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode

from perfkit.catalog.config import Precision, Quantization
from perfkit.catalog.images import ImageSet, Preprocessing, calibration_images, evaluation_images
from perfkit.catalog.profile import ShapeProfile
from perfkit.variants.base import BuildRequest, Built

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.catalog.case import Shape
    from perfkit.record.facts import BuildFacts

CPU = torch.device("cpu")
PLAIN = Preprocessing(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), interpolation=InterpolationMode.BILINEAR)
SMALL = ShapeProfile(min=(1, 3, 8, 8), opt=(1, 3, 8, 8), max=(1, 3, 8, 8))
FIXED = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 64, 64), max=(1, 3, 64, 64))


class Tiny(nn.Module):
    """Three operators, for what is about graphs and not about models."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolution(images)).mean((2, 3))


class BuiltNumber(Built):
    """What tells builds apart: inputs are multiplied by a number."""

    def __init__(self, number: float, facts: BuildFacts) -> None:
        super().__init__(facts)
        self.number = number
        self.closed = False

    def call(self, inputs: Tensor) -> Tensor:
        assert not self.closed
        return inputs * self.number

    def close(self) -> None:
        self.closed = True


def request_for(
    model: nn.Module,
    profile: ShapeProfile,
    preprocessing: Preprocessing,
    cache: Path,
    device: torch.device = CPU,
) -> BuildRequest:
    """As the measuring does it: calibration pictures of each of the profile's shapes."""
    pictures = calibration_images()
    calibration = [
        batch.to(device) for shape in profile.shapes() for batch in _batches(pictures, shape, preprocessing, 8)
    ]
    (example,) = (batch.to(device) for batch in _batches(pictures, profile.opt, preprocessing, 1))
    return BuildRequest(
        model=model,
        profile=profile,
        example=example,
        calibration=calibration,
        device=device,
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
