"""inductor-fp16: the model in half precision, by torch.compile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.case import Platform
from perfkit.variants._inductor import InductorVariant, build_inductor

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class InductorFp16(InductorVariant):
    """A half copy of the model."""

    name = "inductor-fp16"
    platform = Platform.CUDA
    cosine_bound = 0.999

    def build(self, request: BuildRequest) -> Built:
        import torch

        return build_inductor(request, torch.float16)
