"""From ONNX to a TensorRT engine, with TensorRT's own parser and builder.

A strongly typed network computes in the types that the ONNX graph has. In a weakly typed one (up to TensorRT 10)
builder flags allow lower precisions, and the builder takes them where it finds them faster: an engine built so may be
float32 all through. Which of them exist is asked of the installed version.
"""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import tensorrt as trt

from perfkit.record.facts import BuildFacts
from perfkit.record.layers import EngineLayers
from perfkit.variants._export import example_shape
from perfkit.variants._inspector import described_layers, engine_facts, engine_layers
from perfkit.variants._onnx import INPUT, count_operators
from perfkit.variants._tensorrt import BuiltEngine, activation_bytes, layer_information, layer_times_s, log
from perfkit.variants._timing_cache import (
    read_timing_cache,
    seal_timing_cache,
    timing_cache_facts,
    timing_cache_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from perfkit.catalog.profile import ShapeProfile
    from perfkit.variants.base import BuildRequest


def has_strong_typing() -> bool:
    """Whether networks can be strongly typed (TensorRT 10 and later; the only kind from 11 on)."""
    return hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED") or not has_weak_typing()


def has_weak_typing() -> bool:
    """Whether builder flags can lower the precision (up to TensorRT 10)."""
    return hasattr(trt.BuilderFlag, "FP16")


def build_engine(
    onnx: bytes,
    request: BuildRequest,
    started: float,
    *,
    flags: Sequence[str] = (),
    notes: Sequence[str] = (),
    calibrate: Callable[[BuildRequest, Any, Any], Any] | None = None,
) -> BuiltEngine:
    """Parses and builds for the request's profile, with the timing cache of this GPU and TensorRT version.

    ``flags`` name builder flags (``FP16``, ``INT8``) for a weakly typed network; without them it is strongly typed.
    ``started`` is when the build began (time.perf_counter). ``calibrate`` sets up builder and configuration where the
    builder finds INT8 ranges by itself. Raises EngineRefused with the parser's or builder's own line.
    """
    heard = len(log().warnings)
    builder: Any = trt.Builder(log())
    network = builder.create_network(0 if flags or not _strong_flag() else _strong_flag())
    parser = trt.OnnxParser(network, log())
    if not parser.parse(onnx):
        raise log().refused(f"the ONNX graph can't be parsed ({parser.get_error(0).desc()})")
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    for flag in flags:
        config.set_flag(getattr(trt.BuilderFlag, flag))
    if not request.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    profile = builder.create_optimization_profile()
    profile.set_shape(INPUT, *_shapes(request.profile))
    config.add_optimization_profile(profile)
    path = timing_cache_path(request.cache)
    cached = timing_cache_facts(_use_timing_cache(config, path))
    calibrator = calibrate(request, builder, config) if calibrate is not None else None
    building = time.perf_counter()
    plan = builder.build_serialized_network(network, config)
    built_at = time.perf_counter()
    del calibrator  # until here the builder asked it
    if plan is None:
        raise log().refused("the builder made no engine")
    build_s = built_at - started
    with suppress(OSError):  # a cache that can't be written is no reason to throw an engine away
        _keep_timing_cache(config, path)
    for line in log().warnings[heard:]:
        warnings.warn(line, stacklevel=1)  # noted by whoever builds, as what any backend warns of
    serialized = bytes(plan)
    built = BuiltEngine(serialized, BuildFacts(build_s=build_s))
    layers = described_layers(layer_information(built.engine))
    times_s = layer_times_s(serialized, request.profile, request.device)
    built.layers = EngineLayers(layers=engine_layers(layers, times_s))
    built.facts = engine_facts(
        [serialized],
        layers,
        build_s=build_s,
        builder_s=built_at - building,
        activation_bytes=activation_bytes(built.engine),
        fallback_ops=0,
        fallback_device_share=0.0,
        total_ops=count_operators(onnx),
        **cached,
        notes=list(notes),
    )
    return built


def _strong_flag() -> int:
    if not hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED"):
        return 0
    return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def _shapes(profile: ShapeProfile) -> tuple[tuple[int, ...], ...]:
    return profile.min, example_shape(profile), profile.max


def _use_timing_cache(config: Any, path: Path) -> bytes:
    """Gives the builder what is known of this GPU's kernels, and returns it."""
    known = read_timing_cache(path)
    cache = config.create_timing_cache(known)
    if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
        # Without a digest and cut off, or of another GPU: begin anew.
        known = b""
        config.set_timing_cache(config.create_timing_cache(known), ignore_mismatch=False)
    return known


def _keep_timing_cache(config: Any, path: Path) -> None:
    """Writes what was learnt, merged with what another process may have written meanwhile."""
    cache = config.get_timing_cache()
    before = read_timing_cache(path)
    written = config.create_timing_cache(before) if before else None
    if written is not None:
        cache.combine(written, ignore_mismatch=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_bytes(bytes(cache.serialize()))
    scratch.replace(path)
    seal_timing_cache(path)
