"""trt-int8: INT8 post-training quantization by ModelOpt, built by Torch-TensorRT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.variants._torch_tensorrt_base import TorchTensorrtVariant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class TrtInt8(TorchTensorrtVariant):
    """An engine with explicit quantization."""

    name = "trt-int8"
    needs = ("modelopt.torch.quantization",)
    cosine_bound = 0.97
    precision_formats = ("int8",)

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        from perfkit.variants._torch_tensorrt_quantized import key_parts

        return {**super().key_parts(request), **key_parts(request, "int8")}

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._torch_tensorrt_quantized import build_quantized

        return build_quantized(request, "int8")
