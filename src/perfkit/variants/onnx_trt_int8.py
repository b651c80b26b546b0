"""onnx-trt-int8: ModelOpt's post-training quantization (explicit Q/DQ) through ONNX to an engine.

What isn't quantized runs in half precision: by builder flags where TensorRT knows weakly typed networks, else because
the quantized model is a half model.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from perfkit.variants._onnx_trt_base import OnnxTrtVariant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class OnnxTrtInt8(OnnxTrtVariant):
    """TensorRT's own builder with explicit quantization."""

    name = "onnx-trt-int8"
    needs = ("onnx", "modelopt")
    cosine_bound = 0.97
    precision_formats = ("int8",)

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        from perfkit.variants import _modelopt

        return {**super().key_parts(request), **_modelopt.key_parts(request, "int8")}

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._modelopt import quantize
        from perfkit.variants._onnx import export_onnx, fold_batch_norm
        from perfkit.variants._onnx_trt import build_engine, has_weak_typing

        started = time.perf_counter()
        folded, notes = fold_batch_norm(request.model)
        model = quantize(folded, request.calibration, request.quantization, "int8")
        if has_weak_typing():
            onnx = export_onnx(model, request.profile, request.example)
            built = build_engine(onnx, request, started, flags=["INT8", "FP16"], notes=["weakly typed", *notes])
        else:
            onnx = export_onnx(model.half(), request.profile, request.example.half())
            built = build_engine(onnx, request, started, notes=["strongly typed", *notes])
        built.facts = built.facts.model_copy(update={"calibration": str(request.quantization)})
        return built
