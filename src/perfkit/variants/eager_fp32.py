"""eager-fp32: the reference. Measured as a variant too, it shows the noise of the night."""

from __future__ import annotations

from perfkit.variants.base import BuildRequest, Built, Variant


class EagerFp32(Variant):
    """The reference's own module."""

    name = "eager-fp32"
    cosine_bound = 0.99999

    def build(self, request: BuildRequest) -> Built:
        import torch

        from perfkit.variants._eager import build_eager

        return build_eager(request, torch.float32)
