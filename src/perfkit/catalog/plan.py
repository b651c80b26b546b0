"""The plan of a run: every case that a suite expects on a platform, in the order in which it is measured."""

from __future__ import annotations

from dataclasses import dataclass

from perfkit.catalog.case import CaseId, Platform, Shape, ShapeProfile, format_shape
from perfkit.catalog.config import Config, unknown_name
from perfkit.errors import UserError


@dataclass(frozen=True)
class ModelPlan:
    """One model under one shape profile; the unit that is built once and freed before the next."""

    label: str
    """What ids and records call it: the name, followed by ``@profile`` where that isn't the model's own."""
    name: str
    """A name for ``torchvision.models.get_model``."""
    profile: ShapeProfile
    shapes: tuple[Shape, ...]
    variants: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Which suite runs on which platform, and what it expects."""

    suite: str
    platform: Platform
    models: tuple[ModelPlan, ...]

    def cases(self) -> tuple[CaseId, ...]:
        """Every expected case: model by model, variant by variant, shape by shape."""
        return tuple(
            CaseId(model.label, variant, format_shape(shape))
            for model in self.models
            for variant in model.variants
            for shape in model.shapes
        )

    def model(self, label: str) -> ModelPlan:
        return next(model for model in self.models if model.label == label)


def make_plan(config: Config, suite_name: str, platform: Platform, known_variants: list[str]) -> Plan:
    """Expands a suite.

    Raises UserError for an unknown suite, profile or variant (with the nearest names), for a shape outside its
    profile, and for a suite that has nothing to run on the platform.
    """
    suite = config.suite(suite_name)
    variants = suite.variants.cuda if platform is Platform.CUDA else suite.variants.cpu
    for variant in variants:
        if variant not in known_variants:
            raise UserError(f"suite {suite_name!r}: {unknown_name('variant', variant, known_variants)}")
    models = []
    for label in suite.models:
        name, _, profile_name = label.partition("@")
        profile = config.profile(profile_name or config.model_entry(name).profile)
        shapes = config.shapes(suite, name, profile)
        if not shapes:
            raise UserError(f"suite {suite_name!r}: {label} can run none of its profile's shapes")
        models.append(ModelPlan(label, name, profile, shapes, tuple(variants)))
    if not variants:
        raise UserError(f"suite {suite_name!r} is empty on platform {platform}: it names no variants for it")
    return Plan(suite_name, platform, tuple(models))
