"""Our backend: TorchScript, traced, frozen and optimized for inference on a CPU."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import Platform
from perfkit.record.facts import BuildFacts
from perfkit.variants.base import BuildRequest, Built, Variant

if TYPE_CHECKING:
    from torch import Tensor


class TorchScriptFp32(Variant):
    """Freezing folds BatchNorm into convolutions; optimizing lets oneDNN choose layouts and fuse activations."""

    name = "torchscript-fp32"
    platform = Platform.CPU
    cosine_bound = 0.999

    def build(self, request: BuildRequest) -> Built:
        """Traces at the optimum shape; a model without branches serves the whole profile."""
        import torch

        started = time.perf_counter()
        with torch.no_grad():
            traced = torch.jit.trace(request.model, request.example, check_trace=False)
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(traced.eval()))
        operators = [node.kind() for node in frozen.inlined_graph.nodes()]
        return BuiltTorchScript(
            frozen,
            BuildFacts(
                build_s=time.perf_counter() - started,
                layers=sum(kind != "prim::Constant" for kind in operators),
                notes=["batch_norm left in the graph"] if "aten::batch_norm" in operators else [],
            ),
        )


class BuiltTorchScript(Built):
    """A frozen module; its calls take and give float32 tensors."""

    def __init__(self, module: Any, facts: BuildFacts) -> None:
        super().__init__(facts)
        self._module = module

    def call(self, inputs: Tensor) -> Any:
        """One forward pass."""
        return self._module(inputs)

    def close(self) -> None:
        """Frees the module."""
        self._module = None
