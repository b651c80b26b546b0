"""eager-fp16: the model in half precision, called by PyTorch as it is."""

from __future__ import annotations

from perfkit.catalog.case import Platform
from perfkit.variants.base import BuildRequest, Built, Variant


class EagerFp16(Variant):
    """A half copy of the model."""

    name = "eager-fp16"
    platform = Platform.CUDA
    cosine_bound = 0.999

    def build(self, request: BuildRequest) -> Built:
        import torch

        from perfkit.variants._eager import build_eager

        return build_eager(request, torch.float16)
