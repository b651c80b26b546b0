"""onnx-trt-fp16: a half model through ONNX to a strongly typed engine.

Where TensorRT knows weakly typed networks only, the float32 model with the FP16 flag: then the builder may keep layers
in float32, and the proof of precision says so.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from perfkit.variants._onnx_trt_base import OnnxTrtVariant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class OnnxTrtFp16(OnnxTrtVariant):
    """TensorRT's own builder at half precision."""

    name = "onnx-trt-fp16"
    cosine_bound = 0.999
    precision_formats = ("half", "fp16")

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._onnx import export_onnx
        from perfkit.variants._onnx_trt import build_engine, has_strong_typing

        started = time.perf_counter()
        if not has_strong_typing():
            onnx = export_onnx(request.model, request.profile, request.example)
            return build_engine(onnx, request, started, flags=["FP16"], notes=["weakly typed"])
        onnx = export_onnx(copy.deepcopy(request.model).half(), request.profile, request.example.half())
        return build_engine(onnx, request, started, notes=["strongly typed"])
