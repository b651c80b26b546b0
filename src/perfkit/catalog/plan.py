"""The plan of a run: every case that a suite expects on a platform, in the order in which it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.catalog.case import CaseId, Platform, Shape, format_shape
from perfkit.catalog.config import Config, unknown_name
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.catalog.profile import ShapeProfile


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
    metrics: tuple[str, ...] = ()
    """The user's own metrics, by name."""

    def cases(self) -> tuple[CaseId, ...]:
        """Every expected case: model by model, variant by variant, shape by shape."""
        return tuple(
            CaseId(model.label, variant, shape)
            for model in self.models
            for shapes in [[format_shape(shape) for shape in model.shapes]]
            for variant in model.variants
            for shape in shapes
        )

    def model(self, label: str) -> ModelPlan:
        return next(model for model in self.models if model.label == label)


def make_plan(
    config: Config,
    suite_name: str,
    platform: Platform,
    known_variants: list[str],
    known_metrics: Sequence[str] = (),
) -> Plan:
    """Expands a suite.

    Raises UserError for an unknown suite, profile, variant or metric (with the nearest names), for a shape outside its
    profile, and for a suite that has nothing to run on the platform.
    """
    suite = config.suite(suite_name)
    variants = suite.variants.cuda if platform is Platform.CUDA else suite.variants.cpu
    for variant in variants:
        if variant not in known_variants:
            raise UserError(f"suite {suite_name!r}: {unknown_name('variant', variant, known_variants)}")
    for metric in suite.metrics:
        if metric not in known_metrics:
            raise UserError(f"suite {suite_name!r}: {_unknown_metric(metric, known_metrics)}")
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
    return Plan(suite_name, platform, tuple(models), tuple(suite.metrics))


def _unknown_metric(name: str, known: Sequence[str]) -> str:
    if not known:
        return f"unknown metric {name!r}; no installed package has an entry point in the group perfkit.metrics"
    return unknown_name("metric", name, list(known))
