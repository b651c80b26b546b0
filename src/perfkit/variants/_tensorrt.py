"""TensorRT's own runtime: an engine that is called on PyTorch's tensors, and inspected."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import tensorrt as trt
import torch
from torch import Tensor

from perfkit.catalog.case import format_shape
from perfkit.record.facts import BuildFacts
from perfkit.variants.base import Built

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from perfkit.catalog.profile import ShapeProfile


_WARMUP_CALLS, _PROFILED_CALLS = 3, 10


class EngineRefused(RuntimeError):
    """TensorRT made no engine or can't load one; the message is its own last line."""


class Log(trt.ILogger):  # type: ignore[misc] # tensorrt ships no types
    """Keeps what TensorRT says instead of printing it."""

    def __init__(self) -> None:
        trt.ILogger.__init__(self)
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def log(self, severity: Any, message: str) -> None:
        kinds = trt.ILogger.Severity
        if severity in (kinds.INTERNAL_ERROR, kinds.ERROR):
            self.errors.append(message)
        elif severity == kinds.WARNING:
            self.warnings.append(message)

    def refused(self, what: str) -> EngineRefused:
        """The error to raise, with TensorRT's own reason."""
        return EngineRefused(f"{what}: {self.errors[-1] if self.errors else 'TensorRT gave no reason'}")


@cache
def log() -> Log:
    """The process's logger: TensorRT keeps the first that it is given."""
    return Log()


class BuiltEngine(Built):
    """One engine with one execution context and one input; runs on the caller's stream."""

    def __init__(self, plan: bytes, facts: BuildFacts, engine: Any = None) -> None:
        """``engine`` is the plan's, where it has been loaded already: contexts of one engine share its weights."""
        super().__init__(facts)
        self.plan = plan
        """The serialized engine."""
        self.engine: Any = engine or trt.Runtime(log()).deserialize_cuda_engine(plan)
        if self.engine is None:
            raise log().refused("the engine can't be loaded")
        self._context: Any = self.engine.create_execution_context()
        if self._context is None:
            raise log().refused("the engine has no room to run")
        names = [self.engine.get_tensor_name(index) for index in range(self.engine.num_io_tensors)]
        modes = {name: self.engine.get_tensor_mode(name) for name in names}
        (self._input,) = (name for name in names if modes[name] == trt.TensorIOMode.INPUT)
        self._dtype = torch_dtype(self.engine.get_tensor_dtype(self._input))
        self._output_dtypes = {
            name: torch_dtype(self.engine.get_tensor_dtype(name))
            for name in names
            if modes[name] == trt.TensorIOMode.OUTPUT
        }
        self._shape: torch.Size | None = None
        self._output_shapes: dict[str, tuple[int, ...]] = {}

    def prepare(self, images: Tensor) -> Tensor:
        return images.to(self._dtype).contiguous()

    def call(self, inputs: Tensor) -> tuple[Tensor, ...]:
        context = self._context
        if inputs.shape != self._shape:
            self._shape = None
            if not context.set_input_shape(self._input, tuple(inputs.shape)):
                raise log().refused(f"the engine doesn't serve {tuple(inputs.shape)}")
            self._output_shapes = {name: tuple(context.get_tensor_shape(name)) for name in self._output_dtypes}
            self._shape = inputs.shape
        context.set_tensor_address(self._input, inputs.data_ptr())
        outputs = []
        for name, dtype in self._output_dtypes.items():
            output = torch.empty(self._output_shapes[name], dtype=dtype, device=inputs.device)
            context.set_tensor_address(name, output.data_ptr())
            outputs.append(output)
        if not context.execute_async_v3(torch.cuda.current_stream().cuda_stream):
            raise log().refused("the engine didn't run")
        return tuple(outputs)

    def profile_with(self, profiler: Any) -> None:
        """From now on each layer's time is reported; a context's profiler can't be taken off again."""
        self._context.profiler = profiler

    def close(self) -> None:
        # The context before the engine that it belongs to.
        self._context = None
        self.engine = None


def load_engine(path: Path, facts: BuildFacts) -> BuiltEngine:
    """The engine that was saved there."""
    return BuiltEngine(path.read_bytes(), facts)


def layer_information(engine: Any) -> str:
    """The inspector's JSON; layers are objects where the engine was built with detailed verbosity, else names."""
    inspector = engine.create_engine_inspector()
    return str(inspector.get_engine_information(trt.LayerInformationFormat.JSON))


def activation_bytes(engine: Any) -> int:
    """Device memory that one execution context of the engine takes for its activations."""
    # Before TensorRT 10.1 the size was a property without a version.
    size = getattr(engine, "device_memory_size_v2", None)
    return int(engine.device_memory_size if size is None else size)


def activation_bytes_of(plans: Iterable[bytes]) -> int | None:
    """The same of serialized engines together; None where one can't be loaded by this runtime alone."""
    engines = [trt.Runtime(log()).deserialize_cuda_engine(plan) for plan in plans]
    return None if None in engines else sum(activation_bytes(engine) for engine in engines)


def layer_times_s(plan: bytes, profile: ShapeProfile, device: torch.device) -> dict[str, dict[str, float]]:
    """Mean seconds of each layer at each of the profile's shapes, by the profiler of an execution context of its own.

    On random pictures; profiling slows the engine down: layers are comparable with each other, their sum is not a
    latency. {} for an engine that this runtime can't run.
    """
    found = {}
    torch.cuda.synchronize()
    for shape in profile.shapes():
        try:
            # TensorRT synchronizes more on the default stream, and warns of it.
            with torch.cuda.stream(torch.cuda.Stream(device)):
                found[format_shape(shape)] = _times_at(plan, torch.rand(shape, device=device))
        except Exception:  # noqa: S112 - a shape that the model refuses, a plug-in that its own runtime alone knows
            continue
    return found


def _times_at(plan: bytes, images: Tensor) -> dict[str, float]:
    profiled = BuiltEngine(plan, BuildFacts(build_s=0))
    try:
        inputs = profiled.prepare(images)
        for _ in range(_WARMUP_CALLS):
            profiled.call(inputs)
        torch.cuda.synchronize()
        profiler = _Profiler()
        profiled.profile_with(profiler)
        for _ in range(_PROFILED_CALLS):
            profiled.call(inputs)
            torch.cuda.synchronize()
    finally:
        profiled.close()
    return {name: total_ms / _PROFILED_CALLS / 1e3 for name, total_ms in profiler.total_ms.items()}


class _Profiler(trt.IProfiler):  # type: ignore[misc] # tensorrt ships no types
    def __init__(self) -> None:
        trt.IProfiler.__init__(self)
        self.total_ms: dict[str, float] = {}

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        self.total_ms[layer_name] = self.total_ms.get(layer_name, 0.0) + ms


def torch_dtype(dtype: Any) -> torch.dtype:
    """PyTorch's name for a TensorRT data type.

    Raises EngineRefused for one that has none.
    """
    known = {
        trt.float32: torch.float32,
        trt.float16: torch.float16,
        trt.bfloat16: torch.bfloat16,
        trt.int8: torch.int8,
        trt.int32: torch.int32,
        trt.int64: torch.int64,
        trt.bool: torch.bool,
    }
    if dtype not in known:
        raise EngineRefused(f"an input or output of type {dtype} has no tensor type in PyTorch")
    return known[dtype]
