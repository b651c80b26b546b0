"""onnx-trt-fp8: ModelOpt's FP8 (E4M3) post-training quantization through ONNX to a strongly typed engine.

A half model, so that what isn't quantized runs in half precision. A weakly typed network isn't tried: the builder may
compute in any precision there, and FP8 would be one of several.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from perfkit.variants._fp8 import why_no_fp8
from perfkit.variants._onnx_trt_base import OnnxTrtVariant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class OnnxTrtFp8(OnnxTrtVariant):
    """TensorRT's own builder with explicit quantization, on a GPU that multiplies FP8."""

    name = "onnx-trt-fp8"
    needs = ("onnx", "modelopt")
    cosine_bound = 0.97
    precision_formats = ("fp8",)

    def unavailable(self) -> str | None:
        return why_no_fp8() or super().unavailable()

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        from perfkit.variants import _modelopt

        return {**super().key_parts(request), **_modelopt.key_parts(request, "fp8")}

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._modelopt import as_done, quantize
        from perfkit.variants._onnx import export_onnx, fold_batch_norm
        from perfkit.variants._onnx_trt import build_engine

        started = time.perf_counter()
        folded, notes = fold_batch_norm(request.model)
        model = quantize(folded, request.calibration, request.quantization, "fp8")
        onnx = export_onnx(model.half(), request.profile, request.example.half())
        built = build_engine(onnx, request, started, notes=["strongly typed", *notes])
        calibration = str(as_done(request.quantization, "fp8"))
        built.facts = built.facts.model_copy(update={"calibration": calibration})
        return built
