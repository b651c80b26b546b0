"""Shared by the eager variants: a module called as it is, at one dtype and memory format."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from perfkit.record.facts import BuildFacts
from perfkit.variants.base import BuildRequest, Built

if TYPE_CHECKING:
    from collections.abc import Callable


class BuiltModule(Built):
    """A PyTorch module, or a compiled one, whose inputs have ``dtype`` and ``memory_format``."""

    def __init__(
        self,
        module: Callable[[Tensor], Any],
        dtype: torch.dtype,
        facts: BuildFacts,
        memory_format: torch.memory_format = torch.preserve_format,
    ) -> None:
        super().__init__(facts)
        self._module: Callable[[Tensor], Any] | None = module
        self._dtype = dtype
        self._memory_format = memory_format

    @property
    def module(self) -> Callable[[Tensor], Any]:
        """The module, until the variant is closed."""
        assert self._module is not None, "used after close"
        return self._module

    def prepare(self, images: Tensor) -> Tensor:
        return images.to(self._dtype, memory_format=self._memory_format)

    def call(self, inputs: Tensor) -> Any:
        return self._module(inputs)  # type: ignore[misc] # None only after close; a property would be timed

    def close(self) -> None:
        self._module = None


def build_eager(
    request: BuildRequest, dtype: torch.dtype, memory_format: torch.memory_format = torch.preserve_format
) -> BuiltModule:
    """The reference's own module at float32, a copy of it at any other dtype, converted to ``memory_format``."""
    started = time.perf_counter()
    module = request.model
    if dtype is not torch.float32:
        convert: Any = copy.deepcopy(module).to  # PyTorch's annotations leave out memory_format
        module = convert(dtype=dtype, memory_format=memory_format)
    return BuiltModule(module, dtype, BuildFacts(build_s=time.perf_counter() - started), memory_format)
