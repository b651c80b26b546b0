"""inductor-fp32: torch.compile's default backend with dynamic shapes."""

from __future__ import annotations

import shutil
import time

from perfkit.catalog.case import Platform
from perfkit.record.schema import BuildFacts
from perfkit.variants.base import BuildRequest, Built, Variant


class InductorFp32(Variant):
    """The model compiled by inductor at its first call."""

    name = "inductor-fp32"
    cosine_bound = 0.9999

    def unavailable(self) -> str | None:
        if not any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++")):
            return "inductor needs a C++ compiler (c++, g++ or clang++) on PATH"
        return None

    def build(self, request: BuildRequest) -> Built:
        import torch

        from perfkit.variants._eager import BuiltModule

        class BuiltInductor(BuiltModule):
            def close(self) -> None:
                super().close()
                torch.compiler.reset()  # the compiler's caches hold the model as well

        started = time.perf_counter()
        dynamic = bool(request.profile.dynamic_dimensions)
        compiled = torch.compile(request.model, dynamic=dynamic)
        with torch.inference_mode():
            # The compiler runs at the first call; a first call at each shape is warm-up, not build.
            compiled(request.example)
        if request.device.type == Platform.CUDA:
            torch.cuda.synchronize()
        facts = BuildFacts(build_s=time.perf_counter() - started)
        return BuiltInductor(compiled, torch.float32, facts)
