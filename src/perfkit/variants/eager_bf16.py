"""eager-bf16: the model in bfloat16, called by PyTorch as it is."""

from __future__ import annotations

from perfkit.variants.base import BuildRequest, Built, Variant


class EagerBf16(Variant):
    """A bfloat16 copy of the model."""

    name = "eager-bf16"
    cosine_bound = 0.99

    def build(self, request: BuildRequest) -> Built:
        import torch

        from perfkit.variants._eager import build_eager

        return build_eager(request, torch.bfloat16)
