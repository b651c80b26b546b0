"""onnx-trt-int8: ModelOpt's post-training quantization (explicit Q/DQ) through ONNX to an engine.

What isn't quantized runs in half precision: by builder flags where TensorRT knows weakly typed networks, else because
the quantized model is a half model. With the calibration method ``implicit-entropy`` there is no Q/DQ: TensorRT's
builder finds the ranges, while it still does that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from perfkit.variants._onnx_trt_base import OnnxTrtVariant
from perfkit.variants.base import CalibrationUnsupported

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class OnnxTrtInt8(OnnxTrtVariant):
    """TensorRT's own builder with explicit quantization."""

    name = "onnx-trt-int8"
    needs = ("onnx", "modelopt")
    cosine_bound = 0.97
    precision_formats = ("int8",)

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        from perfkit.variants import _modelopt, _onnx_trt_implicit

        return {**super().key_parts(request), **_modelopt.key_parts(request, "int8", _onnx_trt_implicit)}

    def build(self, request: BuildRequest) -> Built:
        built = _implicit(request) if request.quantization.method == "implicit-entropy" else _explicit(request)
        built.facts = built.facts.model_copy(update={"calibration": str(request.quantization)})
        return built


def _explicit(request: BuildRequest) -> Built:
    from perfkit.variants._modelopt import quantize
    from perfkit.variants._onnx import export_onnx, fold_batch_norm
    from perfkit.variants._onnx_trt import build_engine, has_weak_typing

    started = time.perf_counter()
    folded, notes = fold_batch_norm(request.model)
    model = quantize(folded, request.calibration, request.quantization, "int8")
    if has_weak_typing():
        onnx = export_onnx(model, request.profile, request.example)
        return build_engine(onnx, request, started, flags=["INT8", "FP16"], notes=["weakly typed", *notes])
    onnx = export_onnx(model.half(), request.profile, request.example.half())
    return build_engine(onnx, request, started, notes=["strongly typed", *notes])


def _implicit(request: BuildRequest) -> Built:
    from perfkit.variants._onnx import export_onnx
    from perfkit.variants._onnx_trt import build_engine
    from perfkit.variants._onnx_trt_implicit import calibrate_by_entropy, has_implicit_quantization

    started = time.perf_counter()
    if not has_implicit_quantization():
        raise CalibrationUnsupported(
            "this TensorRT no longer calibrates by itself: set [quantization] method to max, entropy, percentile or mse"
        )
    onnx = export_onnx(request.model, request.profile, request.example)
    return build_engine(
        onnx, request, started, flags=["INT8", "FP16"], notes=["weakly typed"], calibrate=calibrate_by_entropy
    )
