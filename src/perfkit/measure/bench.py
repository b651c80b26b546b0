"""Benches: one model with its reference and its inputs, on which its variants are built and measured."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.catalog.images import EVALUATION_IMAGES, ImageSet
from perfkit.catalog.models import LoadedModel, load_model
from perfkit.variants.base import BuildRequest, Variant
from perfkit.variants.build import build_variant
from perfkit.variants.building import BuildResult, release

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

    from perfkit.catalog.case import Shape
    from perfkit.catalog.config import Measure, Precision, Quantization
    from perfkit.catalog.plan import ModelPlan
    from perfkit.measure.clock import Clock
    from perfkit.metrics.base import CaseMetric
    from perfkit.store.engine_store import EngineStore

_CALIBRATION_IMAGES = 32
_MIN_INPUTS = 4
"""Different inputs that the rounds rotate through, so that no call sees the last one's data in a cache."""


@dataclass(frozen=True)
class Workshop:
    """What all models of a run share."""

    device: torch.device
    clock: Clock
    calibration: ImageSet
    evaluation: ImageSet
    measure: Measure
    settings: dict[str, str | int | bool]
    tf32: bool
    cache: Path
    store: EngineStore
    rebuild: bool
    quantization: Quantization
    precision: Precision
    build_limit_s: float
    machine: Mapping[str, str]
    """Hardware and driver by name: part of what identifies an engine."""
    metrics: tuple[CaseMetric, ...]
    """The user's own, taken of every case."""


class ModelBench:
    """One loaded model, its reference variant and its inputs."""

    def __init__(self, workshop: Workshop, plan: ModelPlan, reference: Variant) -> None:
        self.workshop = workshop
        self.plan = plan
        self.model: LoadedModel = load_model(plan.name, workshop.calibration, plan.profile.opt, workshop.device)
        self.reference_variant = reference
        self.reference = self._build(reference)
        self._inputs: dict[Shape, list[Tensor]] = {}

    def build(self, variant: Variant) -> BuildResult:
        """Builds a variant; the reference's own name gives a second wrapper around the same module."""
        return self._build(variant)

    def inputs(self, shape: Shape) -> list[Tensor]:
        """Evaluation batches of one shape on the device, at least four, together at least eight images."""
        if shape not in self._inputs:
            count = max(_MIN_INPUTS, math.ceil(EVALUATION_IMAGES / shape[0]))
            batches = self.workshop.evaluation.batches(shape, self.model.preprocessing, count, self.workshop.device)
            self._inputs[shape] = list(batches)
        return self._inputs[shape]

    def close(self) -> None:
        """Frees the model; the next one starts with the memory that this one found."""
        self.reference.built.close()
        self._inputs.clear()
        del self.model, self.reference
        release()

    def _build(self, variant: Variant) -> BuildResult:
        calibration = self._calibration()
        request = BuildRequest(
            model=self.model.module,
            profile=self.plan.profile,
            example=self._pictures(self.plan.profile.opt, 1)[0],
            calibration=calibration,
            device=self.workshop.device,
            cache=self.workshop.cache,
            tf32=self.workshop.tf32,
            label=self.plan.label,
            weights_sha256=self.model.weights_sha256,
            calibration_sha256=self._calibration_sha256(calibration),
            machine=self.workshop.machine,
            quantization=self.workshop.quantization,
            precision=self.workshop.precision,
            time_limit_s=self.workshop.build_limit_s,
        )
        return build_variant(variant, request, self.workshop.store, rebuild=self.workshop.rebuild)

    def _calibration_sha256(self, batches: list[Tensor]) -> str:
        """Of the pictures and of how they are fed; the batches' own bits may differ from machine to machine."""
        shapes = [tuple(batch.shape) for batch in batches]
        fed = f"{self.workshop.calibration.sha256} {self.model.preprocessing} {shapes}"
        return hashlib.sha256(fed.encode()).hexdigest()

    def _calibration(self) -> list[Tensor]:
        """Batches of every shape of the profile, about as many pictures of each, 32 or more together."""
        shapes = self.plan.profile.shapes()
        share = math.ceil(_CALIBRATION_IMAGES / len(shapes))
        return [batch for shape in shapes for batch in self._pictures(shape, math.ceil(share / shape[0]))]

    def _pictures(self, shape: Shape, count: int) -> list[Tensor]:
        workshop = self.workshop
        return list(workshop.calibration.batches(shape, self.model.preprocessing, count, workshop.device))
