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
    """One graph, of the last shape. A call copies its inputs in: a caller's tensors are new ones.

    Another shape is captured anew, for it changes the state (of a TensorRT execution context) that the graph was
    captured from. The outputs are overwritten by the next call of the same shape.
    """

    def __init__(self, inner: Built) -> None:
        super().__init__(inner.facts)
        self._inner = inner
        self._captured: _Captured | None = None

    @property
    def capturable(self) -> Built:
        return self._inner.capturable

    def prepare(self, images: Tensor) -> Any:
        return self._inner.prepare(images)

    def call(self, inputs: Tensor) -> Any:
        captured = self._captured
        if captured is None or captured.inputs.shape != inputs.shape:
            self._captured = None  # its memory first
            captured = self._captured = self._capture(inputs)
        captured.inputs.copy_(inputs)
        captured.graph.replay()
        return captured.outputs

    def unpack(self, outputs: Any) -> tuple[Tensor, ...]:
        return tuple(output.clone() for output in self._inner.unpack(outputs))

    def close(self) -> None:
        self._captured = None
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
