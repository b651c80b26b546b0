"""Shared by the OpenVINO variants: conversion, bounded dynamic shapes, compilation, facts."""

from __future__ import annotations

import hashlib
import io
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino as ov
import torch
from torch import Tensor

from perfkit.catalog.case import format_shape
from perfkit.record.facts import BuildFacts
from perfkit.record.layers import EngineLayer, EngineLayers
from perfkit.variants.base import BuildRequest, Built

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perfkit.catalog.profile import ShapeProfile

_PROFILED_CALLS = 10

# One for all models, and with its CPU plugin before any other: a plugin (2026.4) gives the thread a stack for signals
# of its own and takes it away again when its Core goes. Where Cores don't end in the reverse order the thread is left
# with one that is unmapped, and the next signal that Python listens to, Ctrl-C for instance, is a segmentation fault.
_CORE = ov.Core()
_CORE.get_versions("CPU")


class BuiltOpenvino(Built):
    """A compiled OpenVINO model with one inference request."""

    def __init__(self, compiled: ov.CompiledModel, facts: BuildFacts, blob: bytes | None = None) -> None:
        super().__init__(facts)
        self.blob = blob
        """The compiled model as OpenVINO exports it; a loaded one has no more use for it."""
        self._request: ov.InferRequest | None = compiled.create_infer_request()
        self._outputs = len(compiled.outputs)

    def prepare(self, images: Tensor) -> NDArray[np.float32]:
        return np.ascontiguousarray(images.numpy())

    def call(self, inputs: NDArray[np.float32]) -> Any:
        # Shared memory both ways: nothing is copied in or out, as for the reference.
        return self._request.infer(inputs, share_inputs=True, share_outputs=True)  # type: ignore[union-attr]

    def unpack(self, outputs: Any) -> tuple[Tensor, ...]:
        # The next call overwrites shared outputs.
        return tuple(torch.from_numpy(np.array(outputs[i])) for i in range(self._outputs))

    def close(self) -> None:
        self._request = self.blob = None


def convert(request: BuildRequest) -> ov.Model:
    """The model as an OpenVINO graph that serves the profile's shapes and no others."""
    with torch.no_grad():
        model = ov.convert_model(request.model, example_input=request.example)
    profile = request.profile
    model.reshape(
        ov.PartialShape(
            [
                ov.Dimension(low) if low == high else ov.Dimension(low, high)
                for low, high in zip(profile.min, profile.max, strict=True)
            ]
        )
    )
    return model


def options() -> dict[str, str | int | bool]:
    """For latency, with as many threads as PyTorch uses.

    The precision hint is explicit: on CPUs with bfloat16 units OpenVINO would run a float32 model in bfloat16
    without a word.
    """
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,
    }


def build(request: BuildRequest) -> BuiltOpenvino:
    """The model converted and compiled as it is, in float32."""
    started = time.perf_counter()
    return compile_model(convert(request), request, started)


def load_model(blob: bytes, facts: BuildFacts) -> BuiltOpenvino:
    """The compiled model that OpenVINO exported."""
    return BuiltOpenvino(_CORE.import_model(io.BytesIO(blob), "CPU", options()), facts)


def compile_model(model: ov.Model, request: BuildRequest, started: float) -> BuiltOpenvino:
    """Compiles the model; ``started`` is when the build began."""
    compiled = _CORE.compile_model(model, "CPU", options())
    build_s = time.perf_counter() - started
    blob = compiled.export_model().getvalue()
    times_s = _layer_times_s(model, request.profile)
    layers = [_layer(op, times_s) for op in compiled.get_runtime_model().get_ops()]
    layers = [layer for layer in layers if layer.kind not in ("Const", "Input", "Output")]
    facts = BuildFacts(
        build_s=build_s,
        engines=1,
        engine_bytes=len(blob),
        engine_sha256=hashlib.sha256(blob).hexdigest(),
        layers=len(layers),
        layer_formats=dict(sorted(Counter(layer.precision for layer in layers).items())),
    )
    built = BuiltOpenvino(compiled, facts, blob)
    built.layers = EngineLayers(layers=layers)
    return built


def _layer(op: Any, times_s: dict[str, dict[str, float]]) -> EngineLayer:
    info, name = op.get_rt_info(), op.get_friendly_name()
    return EngineLayer(
        name=name,
        kind=_text(info, "layerType"),
        precision=_text(info, "runtimePrecision"),
        tactic=_text(info, "primitiveType"),
        operators=[operator for operator in _text(info, "originalLayersNames").split(",") if operator],
        time_s={shape: times[name] for shape, times in times_s.items() if name in times},
    )


def _layer_times_s(model: ov.Model, profile: ShapeProfile) -> dict[str, dict[str, float]]:
    """Mean seconds of each layer at each of the profile's shapes, by OpenVINO's counters."""
    found = {}
    for shape in profile.shapes():
        # A compilation for each: the counters go on counting when the shape changes.
        compiled = _CORE.compile_model(model, "CPU", {**options(), "PERF_COUNT": True})
        request = compiled.create_infer_request()
        images = np.random.default_rng(0).random(shape, dtype=np.float32)
        try:
            for _ in range(_PROFILED_CALLS):
                request.infer(images)
        except RuntimeError:  # a size that the model refuses
            continue
        found[format_shape(shape)] = {
            node.node_name: node.real_time.total_seconds()
            for node in request.profiling_info
            if node.status == ov.ProfilingInfo.Status.EXECUTED
        }
    return found


def _text(info: Any, key: str) -> str:
    return str(info[key].astype(str)) if key in info else "unknown"
