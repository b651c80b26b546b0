"""trt-fp8: FP8 (E4M3) post-training quantization by ModelOpt, built by Torch-TensorRT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.variants._fp8 import why_no_fp8
from perfkit.variants._torch_tensorrt_base import TorchTensorrtVariant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class TrtFp8(TorchTensorrtVariant):
    """An engine with explicit quantization, on a GPU that multiplies FP8."""

    name = "trt-fp8"
    needs = ("modelopt.torch.quantization",)
    cosine_bound = 0.97
    precision_formats = ("fp8",)

    def unavailable(self) -> str | None:
        return why_no_fp8() or super().unavailable()

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        from perfkit.variants._torch_tensorrt_quantized import key_parts

        return {**super().key_parts(request), **key_parts(request, "fp8")}

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._torch_tensorrt_quantized import build_quantized

        return build_quantized(request, "fp8")
