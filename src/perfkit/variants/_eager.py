"""Shared by the eager variants: a module called as it is, at one dtype."""

from __future__ import annotations

import copy
import time
from typing import Any

import torch
from torch import Tensor, nn

from perfkit.record.schema import BuildFacts
from perfkit.variants.base import Built, BuildRequest


class BuiltModule(Built):
    """A PyTorch module whose inputs have ``dtype``."""

    def __init__(self, module: nn.Module, dtype: torch.dtype, facts: BuildFacts) -> None:
        super().__init__(facts)
        self._module: nn.Module | None = module
        self._dtype = dtype

    def prepare(self, images: Tensor) -> Tensor:
        return images.to(self._dtype)

    def call(self, inputs: Tensor) -> Any:
        return self._module(inputs)  # type: ignore[misc] # None only after close

    def close(self) -> None:
        self._module = None


def build_eager(request: BuildRequest, dtype: torch.dtype) -> BuiltModule:
    """The reference's own module at float32, a converted copy of it at any other dtype."""
    started = time.perf_counter()
    module = request.model
    if dtype is not torch.float32:
        module = copy.deepcopy(module).to(dtype)
    return BuiltModule(module, dtype, BuildFacts(build_s=time.perf_counter() - started))
