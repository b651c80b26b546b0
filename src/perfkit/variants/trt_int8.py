"""trt-int8: ModelOpt post-training quantization (explicit Q/DQ) of a half model, built by Torch-TensorRT.

What isn't quantized runs in half precision; with INT8 and FP32 only, unsupported layers fall back to FP32 and the
engine can be slower than FP16.
"""

from __future__ import annotations

import copy
import time

from perfkit.catalog.case import Platform
from perfkit.variants.base import BuildRequest, Built, Variant


class TrtInt8(Variant):
    """An engine with explicit quantization."""

    name = "trt-int8"
    platform = Platform.CUDA
    cosine_bound = 0.97

    def unavailable(self) -> str | None:
        from perfkit.variants._torch_tensorrt import why_unavailable

        return why_unavailable("modelopt.torch.quantization")

    def build(self, request: BuildRequest) -> Built:
        # ModelOpt registers the Q/DQ operators that Torch-TensorRT's converters ask for at import.
        import modelopt.torch.quantization as mtq
        import torch
        from modelopt.torch.quantization.utils import export_torch_mode

        from perfkit.variants._torch_tensorrt import compile_program, example_shape, export

        started = time.perf_counter()
        model = copy.deepcopy(request.model).half()

        def calibrate(quantized: torch.nn.Module) -> None:
            for batch in request.calibration:
                quantized(batch.half())

        with torch.no_grad():
            model = mtq.quantize(model, mtq.INT8_DEFAULT_CFG, calibrate)
        example = request.example.new_empty(example_shape(request.profile)).normal_().half()
        with export_torch_mode():
            program, notes = export(model, request.profile, example)
            return compile_program(program, request, started, notes)
