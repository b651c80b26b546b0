"""Turning PyTorch's pool of streams, without a GPU."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from perfkit.record.facts import BuildFacts
from perfkit.variants._engine_stream import turn_pool
from perfkit.variants._torch_tensorrt import BuiltTensorrt

if TYPE_CHECKING:
    import pytest


@given(size=st.integers(1, 64), drawn=st.integers(0, 200), wanted=st.integers(0, 63))
def test_the_wanted_stream_comes_next(size: int, drawn: int, wanted: int) -> None:
    pool = itertools.islice(itertools.cycle(range(size)), drawn, None)
    assert turn_pool(lambda: next(pool), wanted) is (wanted < size)
    if wanted < size:
        assert next(pool) == wanted


class Engine(nn.Module):
    """Takes the pool's next stream at its first call and keeps it, as Torch-TensorRT 2.11 does."""

    serialized_engine = b"engine"

    def __init__(self) -> None:
        super().__init__()
        self.stream: int | None = None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.stream is None:
            self.stream = torch.cuda.Stream().cuda_stream
        return images


def test_every_engine_of_a_module_runs_on_its_callers_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = itertools.cycle(range(32))
    monkeypatch.setattr(torch.cuda, "Stream", lambda: SimpleNamespace(cuda_stream=next(pool)))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: SimpleNamespace(cuda_stream=7))
    engines = [Engine(), Engine()]
    built = BuiltTensorrt(nn.Sequential(*engines), BuildFacts(build_s=0))
    for _ in range(3):
        built.call(torch.rand(1))
    assert [engine.stream for engine in engines] == [7, 7]
    # Nothing is left to run in the timed calls.
    assert not any(engine._forward_pre_hooks for engine in engines)
