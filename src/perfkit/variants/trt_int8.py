"""trt-int8: ModelOpt post-training quantization (explicit Q/DQ) of a half model, built by Torch-TensorRT.

What isn't quantized runs in half precision; with INT8 and FP32 only, unsupported layers fall back to FP32 and the
engine can be slower than FP16.
"""

from __future__ import annotations

import copy
import time
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
        from perfkit.variants import _modelopt

        return {**super().key_parts(request), **_modelopt.key_parts(request)}

    def build(self, request: BuildRequest) -> Built:
        from modelopt.torch.quantization.utils import export_torch_mode

        from perfkit.variants._export import example_shape, export
        from perfkit.variants._modelopt import quantize_int8
        from perfkit.variants._torch_tensorrt import compile_program

        started = time.perf_counter()
        model = quantize_int8(copy.deepcopy(request.model).half(), request.calibration, request.quantization)
        example = request.example.new_empty(example_shape(request.profile)).normal_().half()
        with export_torch_mode():
            program, notes = export(model, request.profile, example)
            built = compile_program(program, request, started, notes)
        built.facts = built.facts.model_copy(update={"calibration": str(request.quantization)})
        return built
