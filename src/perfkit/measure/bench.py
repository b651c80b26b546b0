"""Benches: one model with its reference, one built variant, and the measuring of a case on them."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from perfkit.catalog.case import Platform, Shape, format_shape
from perfkit.catalog.images import EVALUATION_IMAGES, ImageSet
from perfkit.catalog.models import LoadedModel, load_model
from perfkit.measure.agreement import check_answers
from perfkit.measure.faults import answers_with, call_with
from perfkit.measure.memory import allocated_bytes, memory_since
from perfkit.measure.rounds import (
    RoundRecorder,
    WarmupResult,
    count_rounds,
    shape_change_s,
    timed_calls,
    warm_up,
)
from perfkit.record.schema import (
    CaseRecord,
    Comparability,
    Warmup,
)
from perfkit.variants.base import BuildRequest, Variant
from perfkit.variants.build import build_variant
from perfkit.variants.building import BuildResult, release

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from perfkit.catalog.config import Measure, Precision, Quantization
    from perfkit.catalog.fault import Fault
    from perfkit.catalog.plan import ModelPlan
    from perfkit.measure.clock import Clock
    from perfkit.store.engine_store import EngineStore

_CALIBRATION_IMAGES = 32
_MIN_INPUTS = 4
"""Different inputs that the rounds rotate through, so that no call sees the last one's data in a cache."""


class Pedantic(Protocol):
    """The part of pytest-benchmark's fixture that runs the variant's timed calls."""

    def __call__(
        self,
        target: Callable[..., Any],
        *,
        setup: Callable[[], Any],
        teardown: Callable[..., Any],
        rounds: int,
    ) -> Sequence[float]:
        """Runs ``setup``, times ``target`` on what it returns, runs ``teardown``; returns the times in seconds."""


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


def measure_case(
    bench: ModelBench,
    variant: Variant,
    result: BuildResult,
    shape: Shape,
    pedantic: Pedantic,
    faults: Sequence[Fault] = (),
) -> CaseRecord | None:
    """Checks the answers, warms up, measures the rounds and returns the record.

    ``faults`` are really put into the variant: how a gate is tried out. Returns None when ``pedantic`` took no times
    (benchmarks disabled).
    Raises WrongAnswer before any timing, and whatever the variant raises.
    """
    shop, built, reference = bench.workshop, result.built, bench.reference.built
    batches = bench.inputs(shape)
    with torch.inference_mode(), shop.clock.timed_region():
        cold_call_s = _cold_call_s(bench, result, shape)
        agreement = check_answers(
            lambda images: reference.unpack(reference.call(reference.prepare(images))),
            answers_with(faults, lambda images: built.unpack(built.call(built.prepare(images)))),
            batches,
            cosine_bound=variant.cosine_bound,
            classifies=bench.model.classifies,
        )
        pairs = [(reference.prepare(images), built.prepare(images)) for images in batches]
        change_s = _shape_change_s(bench, result, pairs[0][1], shape)
        reference_warm = _warm_up(shop, reference.call, [pair[0] for pair in pairs])
        before_bytes = allocated_bytes(shop.device)
        variant_warm = _warm_up(shop, built.call, [pair[1] for pair in pairs])
        memory = memory_since(before_bytes, result.peak_build_bytes)
        call = call_with(faults, built.call, pairs[0][1], shop.clock, variant_warm.typical_s)
        variant_calls = timed_calls(variant_warm.typical_s)
        new_recorder = partial(
            RoundRecorder,
            clock=shop.clock,
            reference=reference.call,
            variant=call,
            inputs=pairs,
            reference_calls=timed_calls(reference_warm.typical_s),
            variant_calls=variant_calls,
        )
        round_s = _typical_round_s(new_recorder()) + variant_calls * variant_warm.typical_s
        rounds = count_rounds(
            round_s,
            minimum=shop.measure.min_rounds,
            maximum=shop.measure.max_rounds,
            budget_s=shop.measure.time_budget_s,
        )
        recorder = new_recorder()
        times_s = pedantic(
            call,
            setup=lambda: ((recorder.before(),), {}),
            teardown=lambda *_: recorder.after(),
            rounds=rounds * variant_calls,
        )
    if not times_s:
        return None
    if recorder.device_time_lost is not None:
        built.facts = built.facts.model_copy(
            update={"notes": [*built.facts.notes, f"no device time: {recorder.device_time_lost}"]}
        )
    return CaseRecord(
        model=bench.plan.label,
        variant=variant.name,
        shape=format_shape(shape),
        platform=Platform(shop.device.type),
        rounds=recorder.rounds(times_s),
        warmup=Warmup(
            reference_calls=reference_warm.calls,
            variant_calls=variant_warm.calls,
            variant_cold_call_s=cold_call_s,
            variant_shape_change_s=change_s,
            stable=reference_warm.stable and variant_warm.stable,
        ),
        agreement=agreement,
        facts=built.facts,
        reference_facts=reference.facts,
        memory=memory,
        comparability=_comparability(bench),
    )


def _cold_call_s(bench: ModelBench, result: BuildResult, shape: Shape) -> float:
    """Seconds of the first call at this shape since the build; taken once, whichever case comes to it first."""
    if shape not in result.cold_calls_s:
        inputs = result.built.prepare(bench.inputs(shape)[0])
        result.cold_calls_s[shape] = bench.workshop.clock.wall_s(partial(result.built.call, inputs))
    return result.cold_calls_s[shape]


def _shape_change_s(bench: ModelBench, result: BuildResult, inputs: Any, shape: Shape) -> float | None:
    others = [other for other in bench.plan.shapes if other != shape]
    if not others:
        return None
    try:
        _cold_call_s(bench, result, others[0])
        other = result.built.prepare(bench.inputs(others[0])[0])
        return shape_change_s(bench.workshop.clock, result.built.call, inputs, other)
    except Exception:  # a shape that fails breaks its own case, not this one
        return None


def _warm_up(shop: Workshop, call: Callable[[Any], Any], inputs: list[Any]) -> WarmupResult:
    calls = [lambda images=images: call(images) for images in inputs]
    return warm_up(shop.clock, calls, shop.measure.warmup_max_s)


def _typical_round_s(recorder: RoundRecorder) -> float:
    """Seconds of a round without the variant's timed calls; the first still searches for its blocking delay."""
    _one_round(recorder)
    started = time.perf_counter()
    _one_round(recorder)
    return time.perf_counter() - started


def _one_round(recorder: RoundRecorder) -> None:
    for _ in range(recorder.variant_calls):
        recorder.before()
        recorder.after()


def _comparability(bench: ModelBench) -> Comparability:
    shop, profile = bench.workshop, bench.plan.profile
    return Comparability(
        weights=bench.model.weights,
        weights_sha256=bench.model.weights_sha256,
        images=f"calibration {shop.calibration.sha256[:16]}, evaluation {shop.evaluation.sha256[:16]}",
        profile="..".join(format_shape(s) for s in (profile.min, profile.opt, profile.max)),
        settings=shop.settings,
    )
