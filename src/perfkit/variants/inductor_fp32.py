"""inductor-fp32: the model as it is, by torch.compile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.variants._inductor import InductorVariant, build_inductor

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class InductorFp32(InductorVariant):
    """The model itself."""

    name = "inductor-fp32"
    cosine_bound = 0.9999

    def build(self, request: BuildRequest) -> Built:
        import torch

        return build_inductor(request, torch.float32)
