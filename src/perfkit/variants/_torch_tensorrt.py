"""Shared by the Torch-TensorRT variants: export with min/opt/max, compile, and prove that engines came out.

Torch-TensorRT versions differ; they are told apart by what they have, not by their number. From 2.11 on networks
are strongly typed: half precision is a half model, INT8 is explicit Q/DQ, ``enabled_precisions`` is not passed.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import math
import tempfile
import time
import warnings
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from perfkit.record.schema import BuildFacts
from perfkit.variants.base import BuildRequest, Built, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perfkit.catalog.case import ShapeProfile

_DIMENSIONS = ("batch", "channels", "height", "width")


class EngineMissing(RuntimeError):
    """The compiler returned a module without a single TensorRT engine."""


def why_unavailable(*packages: str) -> str | None:
    """Why Torch-TensorRT can't be used here, in one line."""
    for package in ("torch_tensorrt", *packages):
        try:
            with warnings.catch_warnings():
                # Imports of the backend warn about things that are not ours (untested companions).
                warnings.simplefilter("ignore")
                importlib.import_module(package)
        except Exception as error:  # torch_tensorrt raises bare exceptions without a driver or library
            return f"{package} can't be imported: {reason_of(error)}; pip install 'perfkit[trt]'"
    return None


class BuiltTensorrt(Built):
    """A graph module whose submodules are TensorRT engines; inputs are half precision."""

    def __init__(self, module: nn.Module, facts: BuildFacts) -> None:
        super().__init__(facts)
        self._module: nn.Module | None = module

    def prepare(self, images: Tensor) -> Tensor:
        return images.half()

    def call(self, inputs: Tensor) -> Any:
        return self._module(inputs)  # type: ignore[misc] # None only after close

    def close(self) -> None:
        self._module = None


def example_shape(profile: ShapeProfile) -> tuple[int, ...]:
    """The shape to trace at: the optimum, with a dynamic batch of at least 2.

    torch.export treats a size of 1 as a constant, so a dynamic batch traced at 1 fails; min 1 still serves batch 1.
    """
    batch = profile.opt[0]
    if 0 in profile.dynamic_dimensions:
        batch = min(max(batch, 2), profile.max[0])
    return (batch, *profile.opt[1:])


def export(model: nn.Module, profile: ShapeProfile, example: Tensor) -> tuple[ExportedProgram, list[str]]:
    """The model as an exported program whose dynamic dimensions are bounded by the profile, and notes about it.

    Some models (pooling behind a strided convolution) hold only for sizes that are multiples of a power of two.
    torch.export refuses a plain range for them; the profile's own step is then used, and noted.
    """
    dynamic = {i: Dim(_DIMENSIONS[i], min=profile.min[i], max=profile.max[i]) for i in profile.dynamic_dimensions}
    if not dynamic:
        with torch.no_grad():
            return torch.export.export(model, (example,)), []
    try:
        with torch.no_grad():
            return torch.export.export(model, (example,), dynamic_shapes=(dynamic,)), []
    except Exception as error:  # torch's own UserError, whose class is private
        if "Constraints violated" not in str(error):
            raise
    stepped: dict[int, Any] = {}
    notes = []
    for i in profile.dynamic_dimensions:
        step = common_step(profile.min[i], profile.opt[i], profile.max[i])
        stepped[i] = step * Dim(_DIMENSIONS[i], min=profile.min[i] // step, max=profile.max[i] // step)
        notes.append(f"{_DIMENSIONS[i]} in steps of {step}: torch.export refused the plain range")
    with torch.no_grad():
        return torch.export.export(model, (example,), dynamic_shapes=(stepped,)), notes


def common_step(*sizes: int) -> int:
    """The largest power of two, 32 at most, that divides every size."""
    step = math.gcd(*sizes)
    return min(step & -step, 32)


def compile_program(program: ExportedProgram, request: BuildRequest, started: float, notes: list[str]) -> BuiltTensorrt:
    """Compiles to TensorRT engines; ``started`` is when the build began (time.perf_counter).

    Raises EngineMissing when no engine came out, and whatever the builder raises.
    """
    import torch_tensorrt

    profile = request.profile
    cache = timing_cache_path(request.cache)
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache_bytes = cache.stat().st_size if cache.is_file() else 0
    program_ops = _operators(program.graph_module)
    inputs = [
        torch_tensorrt.Input(
            min_shape=profile.min,
            opt_shape=example_shape(profile),
            max_shape=profile.max,
            dtype=torch.half,
        )
        if profile.dynamic_dimensions
        else torch_tensorrt.Input(shape=profile.opt, dtype=torch.half)
    ]
    with _detailed_layers(torch_tensorrt):
        module = torch_tensorrt.dynamo.compile(
            program,
            arg_inputs=inputs,
            device=request.device,
            disable_tf32=not request.tf32,
            min_block_size=1,
            timing_cache_path=str(cache),
            immutable_weights=True,
            cache_built_engines=False,
            reuse_cached_engines=False,
        )
    build_s = time.perf_counter() - started
    engines = [child for child in module.modules() if getattr(child, "serialized_engine", None)]
    if not engines:
        raise EngineMissing("Torch-TensorRT returned the PyTorch model: no TensorRT engine was built")
    for engine in engines:
        engine.disable_profiling()  # detailed layers switch it on, and it slows every call
    layers = [layer for engine in engines for layer in _layers(engine.get_layer_info())]
    digest = hashlib.sha256()
    for engine in engines:
        digest.update(engine.serialized_engine)
    facts = BuildFacts(
        build_s=build_s,
        engines=len(engines),
        engine_bytes=sum(len(engine.serialized_engine) for engine in engines),
        engine_sha256=digest.hexdigest(),
        fallback_ops=_fallback_operators(module),
        total_ops=program_ops,
        layers=len(layers),
        layer_formats=layer_formats(layers) or None,
        from_store=False,
        timing_cache_bytes=cache_bytes,
        notes=notes,
    )
    return BuiltTensorrt(module, facts)


def timing_cache_path(folder: Path) -> Path:
    """One timing cache per GPU model and TensorRT version: tactics of another are worthless or wrong."""
    import tensorrt

    gpu = torch.cuda.get_device_name().lower().replace(" ", "-")
    return folder / "timing" / f"{gpu}-tensorrt-{tensorrt.__version__}.bin"


def layer_formats(layers: list[dict[str, Any] | str]) -> dict[str, int]:
    """How many layer outputs have each format, from the engine inspector's detailed JSON; {} without details."""
    formats = Counter(
        str(output.get("Format/Datatype", "unknown"))
        for layer in layers
        if isinstance(layer, dict)
        for output in layer.get("Outputs", [])
    )
    return dict(sorted(formats.items()))


def _layers(text: str) -> list[dict[str, Any] | str]:
    layers = json.loads(text).get("Layers", [])
    return list(layers)


def _operators(module: nn.Module) -> int:
    graph = getattr(module, "graph", None)
    if graph is None:
        return 0
    return sum(
        node.op == "call_function" and "getitem" not in str(node.target) and "sym_" not in str(node.target)
        for node in graph.nodes
    )


def _fallback_operators(module: nn.Module) -> int:
    """Operators that PyTorch still runs: in the outer graph and in submodules that are no engines."""
    return sum(_operators(child) for child in module.modules())


@contextmanager
def _detailed_layers(torch_tensorrt: Any) -> Iterator[None]:
    """Asks the builder for data types and formats of layers, where this version can.

    The only public way is the debugger, which also configures the root logger; that is put back afterwards.
    """
    debugger = getattr(torch_tensorrt.dynamo, "Debugger", None)
    if debugger is None:
        yield
        return
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with tempfile.TemporaryDirectory() as folder:
        try:
            with debugger(
                log_level="error",
                save_engine_profile=True,
                engine_builder_monitor=False,
                logging_dir=folder,
            ):
                yield
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
