"""channels-last-fp16: the model in half precision with channels last in memory, called by PyTorch as it is.

Tensor cores convolve channels-last tensors; of contiguous ones cuDNN makes such copies in every call.
"""

from __future__ import annotations

from perfkit.catalog.case import Platform
from perfkit.variants.base import BuildRequest, Built, Variant


class ChannelsLastFp16(Variant):
    """A half copy of the model whose weights and inputs are in ``torch.channels_last`` memory format."""

    name = "channels-last-fp16"
    platform = Platform.CUDA
    cosine_bound = 0.999

    def build(self, request: BuildRequest) -> Built:
        import torch

        from perfkit.variants._eager import build_eager

        return build_eager(request, torch.float16, torch.channels_last)
