"""Calls captured as CUDA graphs, so that their kernels can be timed without the launches in between.

Kernels that are launched one by one wait for each other's launch on the device too, however early the host queued them:
by about a microsecond each, and how long exactly differs from process to process. Replayed from a graph, the same
kernels take nearly the same time in every process, but for what is in the GPU's cache when they begin
(docs/device-times.md).
"""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from perfkit.errors import reason_of
from perfkit.garbage import uncollected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


_MANY_GRAPHS, _FEW_GRAPHS = 4, 2
_LONG_S = 0.02


class NotCaptured(RuntimeError):
    """A call can't be captured as a graph; the message is the reason in one line."""


@dataclass(frozen=True)
class Replay:
    """The device work of a few calls of one side, a graph each; called, it replays all in turn."""

    graphs: Sequence[Callable[[], Any]]

    def __call__(self) -> None:
        for graph in self.graphs:
            graph()


def count_graphs(typical_s: float) -> int:
    """From how many graphs calls of that wall time are replayed.

    Even: timed behind itself, every second one was a little slower on an H100 (docs/device-times.md). Whether it is two
    or four may differ from night to night for calls of about 20 ms alone.
    """
    return _MANY_GRAPHS if typical_s < _LONG_S else _FEW_GRAPHS


def replay_of(calls: Sequence[Callable[[], Any]]) -> Replay:  # pragma: gpu
    """Captures each of the warmed-up ``calls`` on the current stream.

    A graph each and memory of its own for each: the mean over a few is steadier than one of them.

    Raises NotCaptured where a call waits for the device, or does what a capture forbids.
    """
    torch.cuda.synchronize()
    graphs = []
    with uncollected():  # something of another engine that is freed while a capture runs would end it
        for call in calls:
            _run_without_waiting(call)
            graphs.append(_captured(call))

    replay = Replay([graph.replay for graph in graphs])
    replay()
    torch.cuda.synchronize()
    return replay


def _run_without_waiting(call: Callable[[], Any]) -> None:  # pragma: gpu
    """Finds out before the capture, which a waiting call would leave in pieces."""
    try:
        with _waiting_is_an_error():
            call()
    except Exception as error:
        raise NotCaptured(reason_of(error)) from error


@contextlib.contextmanager
def _waiting_is_an_error() -> Iterator[None]:  # pragma: gpu
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch calls the mode a prototype each time
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(before)


def _captured(call: Callable[[], Any]) -> torch.cuda.CUDAGraph:  # pragma: gpu
    try:
        return _capture(call)
    except Exception as error:
        # A capture that failed leaves PyTorch's random numbers expecting another; one that succeeds ends that.
        with contextlib.suppress(Exception):
            _capture(lambda: torch.ones(1, device="cuda"))
        raise NotCaptured(reason_of(error)) from error


def _capture(call: Callable[[], Any]) -> torch.cuda.CUDAGraph:  # pragma: gpu
    # Not torch.cuda.graph: that collects garbage and empties the allocator's cache each time.
    graph = torch.cuda.CUDAGraph()
    graph.capture_begin(pool=torch.cuda.graph_pool_handle(), capture_error_mode="thread_local")
    try:
        call()
    except BaseException:
        with contextlib.suppress(Exception):  # the first error tells more
            graph.capture_end()
        raise
    graph.capture_end()
    return graph
