"""Shared by the inductor variants: torch.compile's default backend with dynamic shapes. It starts without torch."""

from __future__ import annotations

import copy
import shutil
import time
from typing import TYPE_CHECKING

from perfkit.catalog.case import Platform
from perfkit.record.facts import BuildFacts
from perfkit.variants.base import BuildRequest, Built, Variant

if TYPE_CHECKING:
    import torch


class InductorVariant(Variant):
    """The model compiled by inductor at its first call."""

    def unavailable(self) -> str | None:
        if not any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++")):
            return "inductor needs a C++ compiler (c++, g++ or clang++) on PATH"
        return None


def build_inductor(request: BuildRequest, dtype: torch.dtype) -> Built:
    """Compiles the reference's own module at float32, a converted copy of it at any other dtype.

    Raises whatever the compiler raises.
    """
    import torch

    from perfkit.variants._eager import BuiltModule

    class BuiltInductor(BuiltModule):
        def close(self) -> None:
            super().close()
            torch.compiler.reset()  # the compiler's caches hold the model as well

    started = time.perf_counter()
    model = request.model
    if dtype is not torch.float32:
        model = copy.deepcopy(model).to(dtype)
    compiled = torch.compile(model, dynamic=bool(request.profile.dynamic_dimensions))
    with torch.inference_mode():
        # The compiler runs at the first call; a first call at each shape is warm-up, not build.
        compiled(request.example.to(dtype))
    if request.device.type == Platform.CUDA:
        torch.cuda.synchronize()
    return BuiltInductor(compiled, dtype, BuildFacts(build_s=time.perf_counter() - started))
