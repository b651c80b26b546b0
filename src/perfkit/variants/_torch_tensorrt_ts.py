"""Torch-TensorRT's TorchScript front end: a traced model whose graph runs engines."""

from __future__ import annotations

import base64
import copy
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from perfkit.record.layers import EngineLayers
from perfkit.variants._export import example_shape
from perfkit.variants._fallback import device_share
from perfkit.variants._inspector import described_layers, engine_facts, engine_layers
from perfkit.variants._onnx import plain_attention
from perfkit.variants._torch_tensorrt import BuiltTensorrt, EngineMissing, half_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from perfkit.record.facts import BuildFacts
    from perfkit.variants.base import BuildRequest

_EXECUTE = "tensorrt::execute_engine"


class _Scripted(nn.Module):
    """A scripted module in a plain one: those of TorchScript take no hooks."""

    def __init__(self, scripted: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.scripted = scripted

    def forward(self, images: Tensor) -> Any:
        return self.scripted(images)


class BuiltTorchscript(BuiltTensorrt):
    """A scripted module that runs engines; inputs are half precision.

    Of several engines the first alone runs on its caller's stream: the graph calls the others without a module.
    """

    def __init__(self, scripted: torch.jit.ScriptModule, facts: BuildFacts) -> None:
        super().__init__(_Scripted(scripted), facts)

    @property
    def scripted(self) -> torch.jit.ScriptModule:
        """What is saved, until the variant is closed."""
        assert isinstance(self.module, _Scripted)
        return self.module.scripted

    def engine_modules(self) -> list[nn.Module]:
        return [self.module]


def trace(model: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    """The model, which is in eval mode, as TorchScript; its answers at other sizes are checked before it is timed."""
    with torch.no_grad(), plain_attention():
        traced: torch.jit.ScriptModule = torch.jit.trace(model, example, check_trace=False)
    return traced


def compile_traced(request: BuildRequest) -> BuiltTorchscript:
    """Traces a half copy of the model and compiles it to engines.

    Raises EngineMissing when no engine came out, and whatever the builder raises.
    """
    import torch_tensorrt

    from perfkit.variants._tensorrt import activation_bytes_of, layer_times_s

    started = time.perf_counter()
    example = request.example.new_empty(example_shape(request.profile)).normal_().half()
    traced = trace(copy.deepcopy(request.model).half(), example)
    module = torch_tensorrt.compile(
        traced,
        ir="ts",
        inputs=half_inputs(request.profile),
        # This front end's networks are weakly typed: the flag lets the builder compute in half precision.
        enabled_precisions={torch.half},
        device=torch_tensorrt.Device(gpu_id=example.device.index),  # a torch.device is refused
        disable_tf32=not request.tf32,
        min_block_size=1,
    )
    build_s = time.perf_counter() - started
    engines = engines_of(module)
    if not engines:
        raise EngineMissing("Torch-TensorRT returned the TorchScript model: no TensorRT engine was built")
    plans = [plan_of(engine) for engine in engines]
    layers = [layer for engine in engines for layer in described_layers(engine.get_engine_layer_info())]
    facts = engine_facts(
        plans,
        layers,
        build_s=build_s,
        activation_bytes=activation_bytes_of(plans),
        fallback_ops=operators(module.inlined_graph),
        total_ops=operators(traced.inlined_graph),
    )
    built = BuiltTorchscript(module, facts)
    share = device_share(facts.fallback_ops or 0, lambda: module(example))
    built.facts = facts.model_copy(update={"fallback_device_share": share})
    # Of several engines the inputs of each aren't known.
    times_s = layer_times_s(plans[0], request.profile, request.device) if len(plans) == 1 else {}
    built.layers = EngineLayers(layers=engine_layers(layers, times_s))
    return built


def save_module(module: nn.Module, path: Path) -> None:
    """Writes a scripted module as TorchScript does, with its engines."""
    with _deprecated():
        torch.jit.save(module, path)


def load_module(path: Path) -> torch.jit.ScriptModule:
    """The module that :func:`save_module` wrote; raises EngineMissing where it holds no engine."""
    with _deprecated():
        module: torch.jit.ScriptModule = torch.jit.load(path)
    if not engines_of(module):
        raise EngineMissing(f"{path.name} holds no TensorRT engine")
    return module


def engines_of(module: torch.jit.ScriptModule) -> list[Any]:
    """The engines that the module's graph runs; they are attributes of the module."""
    executing = (node for node in _nodes(module.graph) if node.kind() == _EXECUTE)
    found = (list(node.inputs())[1].node().s("name") for node in executing)
    return [getattr(module, name) for name in dict.fromkeys(found)]


def plan_of(engine: Any) -> bytes:
    """The serialized engine, which the runtime's own class keeps as text among what it pickles."""
    state, _class_name = engine.__getstate__()  # PyTorch pickles an object of C++ with the name of its class
    return base64.b64decode(state[torch.ops.tensorrt.ENGINE_IDX()])


def operators(graph: Any) -> int:
    """How many of PyTorch's operators that make tensors a graph and its branches call: no sizes, no list items."""
    return sum(
        node.kind().startswith("aten::")
        and node.kind() != "aten::__getitem__"
        and any(output.type().kind() == "TensorType" for output in node.outputs())
        for node in _nodes(graph)
    )


@contextmanager
def _deprecated() -> Iterator[None]:
    """PyTorch announces in every call that TorchScript will go; that is for those who build this front end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)
