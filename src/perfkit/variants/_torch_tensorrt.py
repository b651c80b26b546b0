"""Shared by the Torch-TensorRT variants: compile with min/opt/max, prove that engines came out, keep and load them.

Torch-TensorRT versions differ; they are told apart by what they have, not by their number. From 2.11 on networks
are strongly typed: half precision is a half model, INT8 is explicit Q/DQ, ``enabled_precisions`` is not passed.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from perfkit.errors import reason_of
from perfkit.record.layers import EngineLayers
from perfkit.variants._engine_stream import place_on_callers_stream
from perfkit.variants._export import example_shape
from perfkit.variants._fallback import count_fallback, count_operators, device_share, fallback_note
from perfkit.variants._inspector import described_layers, engine_facts, engine_layers
from perfkit.variants._timing_cache import (
    read_timing_cache,
    seal_timing_cache,
    timing_cache_facts,
    timing_cache_path,
)
from perfkit.variants.base import BuildRequest, Built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch.export import ExportedProgram

    from perfkit.catalog.profile import ShapeProfile
    from perfkit.record.facts import BuildFacts


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
    """A graph module whose submodules are TensorRT engines; inputs are half precision.

    The engines run on the stream that is current at the first call.
    """

    def __init__(self, module: nn.Module, facts: BuildFacts) -> None:
        super().__init__(facts)
        self._module: nn.Module | None = module
        self._placed = False

    @property
    def module(self) -> nn.Module:
        """The graph module, until the variant is closed."""
        assert self._module is not None, "used after close"
        return self._module

    def prepare(self, images: Tensor) -> Tensor:
        return images.half()

    def engine_modules(self) -> list[nn.Module]:
        """The modules whose first call runs an engine."""
        return _engines(self.module)

    def call(self, inputs: Tensor) -> Any:
        if not self._placed:  # not before: what is saved must be as the compiler left it
            place_on_callers_stream(self.engine_modules())
            self._placed = True
        return self._module(inputs)  # type: ignore[misc] # None only after close

    def close(self) -> None:
        self._module = None


def compile_program(program: ExportedProgram, request: BuildRequest, started: float, notes: list[str]) -> BuiltTensorrt:
    """Compiles to TensorRT engines; ``started`` is when the build began (time.perf_counter).

    Raises EngineMissing when no engine came out, and whatever the builder raises.
    """
    import tensorrt
    import torch_tensorrt

    from perfkit.variants._tensorrt import activation_bytes_of, layer_times_s

    profile = request.profile
    cache = timing_cache_path(request.cache)
    with suppress(OSError):  # a cache that can't be written is no reason not to build
        cache.parent.mkdir(parents=True, exist_ok=True)
    cached = timing_cache_facts(read_timing_cache(cache))
    program_ops = count_operators(program.graph_module)
    options, remarks = _attention(program, torch_tensorrt.dynamo.compile, tensorrt.INetworkDefinition)
    with _detailed_layers(torch_tensorrt):
        module = torch_tensorrt.dynamo.compile(
            program,
            arg_inputs=half_inputs(profile),
            device=request.device,
            disable_tf32=not request.tf32,
            min_block_size=1,
            timing_cache_path=str(cache),
            immutable_weights=True,
            cache_built_engines=False,
            reuse_cached_engines=False,
            **options,
        )
    build_s = time.perf_counter() - started
    with suppress(OSError):  # a cache that can't be written is no reason to throw an engine away
        seal_timing_cache(cache)
    engines = _engines(module)
    if not engines:
        raise EngineMissing("Torch-TensorRT returned the PyTorch model: no TensorRT engine was built")
    for engine in engines:
        engine.disable_profiling()  # detailed layers switch it on, and it slows every call
    layers = [layer for engine in engines for layer in described_layers(engine.get_layer_info())]
    plans = [engine.serialized_engine for engine in engines]
    facts = engine_facts(
        plans,
        layers,
        build_s=build_s,
        activation_bytes=activation_bytes_of(plans),
        fallback_ops=count_fallback(module),
        total_ops=program_ops,
        **cached,
        notes=[*notes, *remarks, *fallback_note(module)],
    )
    built = BuiltTensorrt(module, facts)
    inputs = built.prepare(request.example)
    # Not by the variant's own call, which sets the engines up for the caller's stream.
    share = device_share(facts.fallback_ops or 0, lambda: module(inputs))
    built.facts = facts.model_copy(update={"fallback_device_share": share})
    # Of several engines the inputs of each aren't known.
    times_s = layer_times_s(plans[0], profile, request.device) if len(plans) == 1 else {}
    built.layers = EngineLayers(layers=engine_layers(layers, times_s))
    return built


def _attention(
    program: ExportedProgram, compiler: Callable[..., Any], network: type
) -> tuple[dict[str, bool], list[str]]:
    """What to tell the compiler, and a note: it makes one layer of attention, which an older TensorRT lacks."""
    attends = any("scaled_dot_product" in str(node.target) for node in program.graph.nodes)
    can_decompose = "decompose_attention" in inspect.signature(compiler).parameters
    if not attends or not can_decompose or hasattr(network, "add_attention"):
        return {}, []
    return {"decompose_attention": True}, ["attention in its parts: this TensorRT has no layer for it"]


def half_inputs(profile: ShapeProfile) -> list[Any]:
    """The compiler's description of the one input, in half precision."""
    import torch_tensorrt

    if not profile.dynamic_dimensions:
        return [torch_tensorrt.Input(shape=profile.opt, dtype=torch.half)]
    return [
        torch_tensorrt.Input(
            min_shape=profile.min,
            opt_shape=example_shape(profile),
            max_shape=profile.max,
            dtype=torch.half,
        )
    ]


def save_module(module: nn.Module, path: Path) -> None:
    """Writes a graph module with its serialized engines; live engines are left out and set up again when loaded.

    Torch-TensorRT's own ``save`` exports the module anew, and unpickling a graph module traces it anew: either way
    the host's part of a call changes. So the module's attributes and the source of its ``forward`` are kept, in the
    form in which a graph module hands them to pickle.
    """
    reduced: Any = module.__reduce__()
    _, (attributes, imports) = reduced
    live = [(engine, engine.engine) for engine in _engines(module)]
    unowned = [engine.are_output_tensors_unowned() for engine, _ in live]
    try:
        for engine, _ in live:
            engine.engine = None
        torch.save({"attributes": attributes, "imports": imports, "unowned": unowned}, path)
    finally:
        for engine, runtime in live:
            engine.engine = runtime


def load_module(path: Path) -> nn.Module:
    """The module that :func:`save_module` wrote, its engines ready.

    It is unpickled and its source is run: a store is as trusted as installed code. Raises EngineMissing where it
    holds no engine.
    """
    saved = torch.load(path, weights_only=False)
    namespace: dict[str, Any] = {}
    exec(f"{saved['imports']}\n{saved['attributes']['_code']}", namespace)  # noqa: S102 - see above
    module: nn.Module = type("LoadedGraph", (nn.Module,), {"forward": namespace["forward"]})()
    module.__dict__.update(saved["attributes"])
    engines = _engines(module)
    if not engines:
        raise EngineMissing(f"{path.name} holds no TensorRT engine")
    for engine, unowned in zip(engines, saved["unowned"], strict=True):
        engine.setup_engine()
        engine.set_output_tensors_as_unowned(unowned)
    return module


def _engines(module: nn.Module) -> list[Any]:
    return [child for child in module.modules() if getattr(child, "serialized_engine", None)]


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
