"""Throughput: batches in flight over several lanes, as a server keeps them; on CUDA a lane is a stream."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from perfkit.measure.clock import Clock
    from perfkit.variants.base import Built

_WARMUP_PASSES = 5
WINDOW_S = 0.5
WINDOWS = 5


def images_per_s(clock: Clock, lanes: Sequence[Callable[[], Any]], batch: int) -> list[float]:
    """Images per second of several windows in which one host thread submits to the lanes in turn.

    A lane submits one batch of ``batch`` images and returns at once; what it submits runs in its own order, beside the
    other lanes'. Nothing is waited for within a window of about half a second.
    """
    for _ in range(_WARMUP_PASSES):
        _window_s(clock, lanes, len(lanes))
    typical_s = median(_window_s(clock, lanes, len(lanes)) for _ in range(_WARMUP_PASSES)) / len(lanes)
    # A pass over the lanes that ends by waiting takes longer than one that is followed by the next.
    batches = math.ceil(WINDOW_S / typical_s)
    batches = math.ceil(batches * WINDOW_S / _window_s(clock, lanes, batches))
    return [batches * batch / _window_s(clock, lanes, batches) for _ in range(WINDOWS)]


def _window_s(clock: Clock, lanes: Sequence[Callable[[], Any]], batches: int) -> float:
    started = clock.now_s()
    for index in range(batches):
        lanes[index % len(lanes)]()
    return clock.now_s() - started


class StreamLane:
    """One built variant on a stream of its own, and the batch that it is called with.

    ``inputs`` are what the variant's ``prepare`` made. With ``copies`` they lie in pinned host memory and are copied to
    the device before each call, and the answers are copied back after it, as a server would see it.
    """

    def __init__(self, built: Built, inputs: Tensor, *, copies: bool) -> None:
        self._stream = torch.cuda.Stream(inputs.device)
        self._built = built
        self._inputs = inputs.clone()
        self._host = inputs.cpu().pin_memory() if copies else None
        self.answers: list[Tensor] = []
        """Of the last batch, in host memory; empty without copies. Synchronize before reading them."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            outputs = _flat(built.call(self._inputs))
            if copies:
                self.answers = [torch.empty_like(output, device="cpu").pin_memory() for output in outputs]
        self._stream.synchronize()

    def __call__(self) -> None:
        with torch.cuda.stream(self._stream):
            if self._host is None:
                self._built.call(self._inputs)
                return
            self._inputs.copy_(self._host, non_blocking=True)
            # As they come: a replay's own `unpack` copies them on the device first.
            for answer, output in zip(self.answers, _flat(self._built.call(self._inputs)), strict=True):
                answer.copy_(output, non_blocking=True)


def _flat(outputs: Any) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)
