"""Benches: one model with its reference and its inputs, on which its variants are built and measured."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from perfkit.catalog.images import EVALUATION_IMAGES, ImageSet
from perfkit.catalog.models import LoadedModel, load_model
from perfkit.measure.work import CountedWork
from perfkit.variants.base import BuildRequest, Variant, VariantBroken
from perfkit.variants.build import build_variant
from perfkit.variants.building import BuildResult, release
from perfkit.variants.float32 import in_float32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

    from perfkit.catalog.case import Shape
    from perfkit.catalog.config import Measure, Precision, Quantization
    from perfkit.catalog.plan import ModelPlan
    from perfkit.measure.clock import Clock
    from perfkit.measure.spent import Spent
    from perfkit.metrics.base import CaseMetric
    from perfkit.store.engine_store import EngineStore

_MOST_CALIBRATION_IMAGES = 512
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
    spent: Spent
    machine: Mapping[str, str]
    """Hardware and driver by name: part of what identifies an engine."""
    metrics: tuple[CaseMetric, ...]
    """The user's own, taken of every case."""


class Batches(Sequence["Tensor"]):
    """Batches that are made when the first of them is asked for: what comes from the store needs none.

    Another process gets them made.
    """

    def __init__(self, make: Callable[[], list[Tensor]]) -> None:
        self._make = make
        self._made: list[Tensor] | None = None

    def _batches(self) -> list[Tensor]:
        if self._made is None:
            self._made = self._make()
        return self._made

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> list[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | list[Tensor]:
        return self._batches()[index]

    def __len__(self) -> int:
        return len(self._batches())

    def __reduce__(self) -> tuple[type[list[Tensor]], tuple[list[Tensor]]]:
        return list, (self._batches(),)


class ModelBench:
    """One loaded model, its reference variant and its inputs."""

    def __init__(self, workshop: Workshop, plan: ModelPlan, reference: Variant) -> None:
        self.workshop = workshop
        self.plan = plan
        self.model: LoadedModel = load_model(plan.name, workshop.calibration, plan.profile.opt, workshop.device)
        self.reference_variant = reference
        self.reference = self._build(reference)
        self.work = CountedWork(self.model.module)
        self._inputs: dict[Shape, list[Tensor]] = {}
        self._answers: dict[int, tuple[Tensor, ...]] = {}

    def build(self, variant: Variant) -> BuildResult:
        """Builds a variant; the reference's own name gives a second wrapper around the same module."""
        return self._build(variant)

    def build_in_float32(self, variant: Variant) -> BuildResult:
        """What passes for the variant's build and computes in float32; beside the store, which never sees it.

        Raises VariantBroken where the proof of precision finds it.
        """
        fault = in_float32(variant)
        if fault is None:
            raise VariantBroken(f"{variant.name} has no build in float32")
        return build_variant(fault, self._request(), self.workshop.store, rebuild=True)

    def inputs(self, shape: Shape) -> list[Tensor]:
        """Evaluation batches of one shape on the device, at least four, together at least eight images."""
        if shape not in self._inputs:
            count = max(_MIN_INPUTS, math.ceil(EVALUATION_IMAGES / shape[0]))
            batches = self.workshop.evaluation.batches(shape, self.model.preprocessing, count, self.workshop.device)
            self._inputs[shape] = list(batches)
        return self._inputs[shape]

    def answer(self, images: Tensor) -> tuple[Tensor, ...]:
        """The reference's answer to one of the inputs, in host memory: all variants are held to the same."""
        if id(images) not in self._answers:  # inputs are kept as long as this
            built = self.reference.built
            outputs = built.unpack(built.call(built.prepare(images)))
            self._answers[id(images)] = tuple(output.cpu() for output in outputs)
        return self._answers[id(images)]

    def close(self) -> None:
        """Frees the model; the next one starts with the memory that this one found."""
        self.reference.built.close()
        self._inputs.clear()
        self._answers.clear()
        del self.model, self.reference, self.work
        release()

    def _build(self, variant: Variant) -> BuildResult:
        return build_variant(variant, self._request(), self.workshop.store, rebuild=self.workshop.rebuild)

    def _request(self) -> BuildRequest:
        return BuildRequest(
            model=self.model.module,
            profile=self.plan.profile,
            example=self._pictures(self.plan.profile.opt, 1)[0],
            calibration=Batches(self._calibration),
            device=self.workshop.device,
            cache=self.workshop.cache,
            tf32=self.workshop.tf32,
            label=self.plan.label,
            weights_sha256=self.model.weights_sha256,
            calibration_sha256=self._calibration_sha256(),
            machine=self.workshop.machine,
            quantization=self.workshop.quantization,
            precision=self.workshop.precision,
            time_limit_s=self.workshop.build_limit_s,
        )

    def _calibration_sha256(self) -> str:
        """Of the pictures and of how they are fed; the batches' own bits may differ from machine to machine."""
        shapes = [shape for shape, count in self._calibration_counts() for _ in range(count)]
        fed = f"{self.workshop.calibration.sha256} {self.model.preprocessing} in turn {shapes}"
        return hashlib.sha256(fed.encode()).hexdigest()

    def _calibration(self) -> list[Tensor]:
        found: list[Tensor] = []
        fed = 0
        for shape, count in self._calibration_counts():  # each shape goes on where the one before ended
            found += self._pictures(shape, count, first=fed)
            fed += count * shape[0]
        return found

    def _calibration_counts(self) -> list[tuple[Shape, int]]:
        """Batches of every shape of the profile, about as many pictures of each, together each picture at least once.

        Of a folder with very many the first ones by name: they are all on the device at once.
        """
        shapes = self.plan.profile.shapes()
        share = math.ceil(min(len(self.workshop.calibration.crops), _MOST_CALIBRATION_IMAGES) / len(shapes))
        return [(shape, math.ceil(share / shape[0])) for shape in shapes]

    def _pictures(self, shape: Shape, count: int, first: int = 0) -> list[Tensor]:
        workshop = self.workshop
        chosen = workshop.calibration.batches(shape, self.model.preprocessing, count, workshop.device, first=first)
        return list(chosen)
