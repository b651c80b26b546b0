"""A single variant outside of a run, in this repository's scripts and benchmarks: what it is built of, its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.variants.base import BuildRequest

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from perfkit.catalog.config import Config
    from perfkit.catalog.images import ImageSet
    from perfkit.catalog.models import LoadedModel
    from perfkit.catalog.profile import ShapeProfile
    from perfkit.variants.base import Built


def standalone_request(
    model: LoadedModel,
    label: str,
    profile: ShapeProfile,
    images: ImageSet,
    device: torch.device,
    *,
    config: Config,
    cache: Path,
) -> BuildRequest:
    """For ``load_variant(name).build(request)``; one calibration batch of the profile's optimum shape.

    ``machine`` is left empty, so that what is built doesn't stand for a run's engine in the store.
    """
    (calibration,) = images.batches(profile.opt, model.preprocessing, 1, device)
    return BuildRequest(
        model=model.module,
        profile=profile,
        example=calibration,
        calibration=[calibration],
        device=device,
        cache=cache,
        tf32=config.settings.tf32_convolution,
        label=label,
        weights_sha256=model.weights_sha256,
        calibration_sha256=images.sha256,
        machine={},
        quantization=config.quantization,
        precision=config.precision,
        time_limit_s=config.build.time_limit_s,
    )


def answers(built: Built, images: Tensor) -> tuple[Tensor, ...]:
    """What was built, called with images as they are read."""
    return built.unpack(built.call(built.prepare(images)))
