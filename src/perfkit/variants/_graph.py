"""Capturing calls as CUDA graphs and replaying them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from perfkit.variants.base import Built

if TYPE_CHECKING:
    from torch import Tensor

_WARMUP_CALLS = 3
"""Before a capture: whatever a library sets up lazily (autotuning, workspaces) can't be captured."""


@dataclass(frozen=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    inputs: Tensor
    outputs: Any


class ReplayedGraph(Built):
    """One graph a shape, each with its own memory. A call copies its inputs in: a caller's tensors are new ones.

    The outputs are overwritten by the next call of the same shape.
    """

    def __init__(self, inner: Built) -> None:
        super().__init__(inner.facts)
        self._inner = inner
        self._captured: dict[torch.Size, _Captured] = {}

    def prepare(self, images: Tensor) -> Any:
        return self._inner.prepare(images)

    def call(self, inputs: Tensor) -> Any:
        captured = self._captured.get(inputs.shape)
        if captured is None:
            captured = self._captured[inputs.shape] = self._capture(inputs)
        captured.inputs.copy_(inputs)
        captured.graph.replay()
        return captured.outputs

    def unpack(self, outputs: Any) -> tuple[Tensor, ...]:
        return tuple(output.clone() for output in self._inner.unpack(outputs))

    def close(self) -> None:
        self._captured.clear()
        self._inner.close()

    def _capture(self, inputs: Tensor) -> _Captured:
        static = inputs.clone()
        for _ in range(_WARMUP_CALLS):
            self._inner.call(static)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        # The stream that the engine was placed on; the default stream can't be captured, torch takes one of its own.
        current = torch.cuda.current_stream()
        stream = None if current == torch.cuda.default_stream() else current
        with torch.cuda.graph(graph, stream=stream):
            outputs = self._inner.call(static)
        return _Captured(graph, static, outputs)
