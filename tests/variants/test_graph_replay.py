"""Replaying CUDA graphs, on a machine without CUDA: a graph that runs what was captured again."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from perfkit.catalog.case import Platform
from perfkit.record.facts import BuildFacts
from perfkit.variants._graph import ReplayedGraph
from perfkit.variants.base import Built
from perfkit.variants.registry import known_names, load_variant, variant_names, why_unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


class Doubles(Built):
    """Counts how often it is really called."""

    def __init__(self) -> None:
        super().__init__(BuildFacts(build_s=1.0))
        self.calls = 0
        self.closed = False

    def prepare(self, images: Tensor) -> Tensor:
        return images.half()

    def call(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return inputs * 2

    def close(self) -> None:
        self.closed = True


class FakeGraph:
    """Remembers the call that was made while it was captured."""

    def __init__(self) -> None:
        self.replays = 0
        self.static: tuple[Tensor, Tensor] | None = None

    def replay(self) -> None:
        self.replays += 1
        if self.static is not None:
            inputs, outputs = self.static
            outputs.copy_(inputs * 2)


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[FakeGraph]:
    made: list[FakeGraph] = []

    def new_graph() -> FakeGraph:
        made.append(FakeGraph())
        return made[-1]

    @contextmanager
    def capture(_: FakeGraph, stream: Any) -> Iterator[None]:
        assert stream == "private"
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", new_graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: "private")
    monkeypatch.setattr(torch.cuda, "default_stream", lambda: "default")
    return made


def test_a_shape_is_captured_once_and_replayed_on_new_inputs(graphs: list[FakeGraph]) -> None:
    """And anew when another was captured in between: both stand on the same state of an engine."""
    inner = Doubles()
    built = ReplayedGraph(inner)
    for shape, replays in (((1, 3), 3), ((2, 3), 2), ((1, 3), 2)):
        built.call(built.prepare(torch.rand(shape)))
        real = inner.calls
        assert built._captured is not None
        graphs[-1].static = built._captured.inputs, built._captured.outputs
        for _ in range(replays - 1):
            images = torch.rand(shape)
            (answer,) = built.unpack(built.call(built.prepare(images)))
            torch.testing.assert_close(answer, images.half() * 2)
        assert inner.calls == real
        assert graphs[-1].replays == replays
    assert len(graphs) == 3
    built.close()
    assert inner.closed
    assert built._captured is None


def test_answers_outlive_the_next_call(graphs: list[FakeGraph]) -> None:
    built = ReplayedGraph(Doubles())
    outputs = torch.ones(2)
    (answer,) = built.unpack(outputs)
    outputs.zero_()
    assert answer.tolist() == [1, 1]
    assert not graphs


def test_every_variant_has_a_graph_on_cuda_alone() -> None:
    assert set(known_names()) == {*variant_names(), *(f"{name}-graph" for name in variant_names())}
    variant = load_variant("eager-fp16-graph")
    assert (variant.name, variant.platform, variant.cosine_bound) == ("eager-fp16-graph", Platform.CUDA, 0.999)
    assert why_unavailable(variant, Platform.CPU) == "eager-fp16-graph exists on platform cuda only"
    assert load_variant("openvino-int8-graph").unavailable() == "openvino-int8 exists on platform cpu only"


def test_it_is_captured_on_a_stream_that_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default stream can't: torch takes one of its own."""
    streams = []

    @contextmanager
    def capture(_: object, stream: Any) -> Iterator[None]:
        streams.append(stream)
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: SimpleNamespace(replay=lambda: None))
    monkeypatch.setattr(torch.cuda, "graph", capture)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "default_stream", lambda: "default")
    for current in ("default", "private"):
        monkeypatch.setattr(torch.cuda, "current_stream", lambda current=current: current)
        ReplayedGraph(Doubles()).call(torch.rand(1))
    assert streams == [None, "private"]
