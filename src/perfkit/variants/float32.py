"""Builds in float32 that pass for another variant's: a fault that the proof of precision must find (`perfkit drill`).

Each is its variant in all but the build, which is a real one: it is saved, loaded, isolated and inspected in the same
way. It stands in a module of its own, so that its key in the engine store would be another one; it is never stored.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from perfkit.variants.graph_replay import GraphReplay
from perfkit.variants.onnx_trt_fp8 import OnnxTrtFp8
from perfkit.variants.onnx_trt_fp16 import OnnxTrtFp16
from perfkit.variants.onnx_trt_int8 import OnnxTrtInt8
from perfkit.variants.openvino_int8 import OpenvinoInt8
from perfkit.variants.trt_fp8 import TrtFp8
from perfkit.variants.trt_fp16 import TrtFp16
from perfkit.variants.trt_int8 import TrtInt8

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built, Variant


class OpenvinoInt8InFloat32(OpenvinoInt8):
    """Compiled without quantization, as openvino-fp32 is."""

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._openvino import build

        return build(request)


class TrtFp16InFloat32(TrtFp16):
    """Of a model whose weights weren't halved."""

    def build(self, request: BuildRequest) -> Built:
        return _compiled_by_torch_tensorrt(request)


class TrtInt8InFloat32(TrtInt8):
    """Of a model that was neither quantized nor halved."""

    def build(self, request: BuildRequest) -> Built:
        return _compiled_by_torch_tensorrt(request)


class TrtFp8InFloat32(TrtFp8):
    """Of a model that was neither quantized nor halved."""

    def build(self, request: BuildRequest) -> Built:
        return _compiled_by_torch_tensorrt(request)


class OnnxTrtFp16InFloat32(OnnxTrtFp16):
    """Of a model whose weights weren't halved, by a builder that wasn't told of half precision either."""

    def build(self, request: BuildRequest) -> Built:
        return _built_by_tensorrt(request)


class OnnxTrtInt8InFloat32(OnnxTrtInt8):
    """Of a model that was neither quantized nor halved."""

    def build(self, request: BuildRequest) -> Built:
        return _built_by_tensorrt(request)


class OnnxTrtFp8InFloat32(OnnxTrtFp8):
    """Of a model that was neither quantized nor halved."""

    def build(self, request: BuildRequest) -> Built:
        return _built_by_tensorrt(request)


_KINDS: tuple[type[Variant], ...] = (
    OpenvinoInt8InFloat32,
    TrtFp16InFloat32,
    TrtInt8InFloat32,
    TrtFp8InFloat32,
    OnnxTrtFp16InFloat32,
    OnnxTrtInt8InFloat32,
    OnnxTrtFp8InFloat32,
)


def in_float32(variant: Variant) -> Variant | None:
    """The variant that is this one in all but its build, which is in float32; None where there is none.

    There is none where nothing proves the precision (PyTorch's own variants tell no layers), where it is float32
    anyway, and where the builder of a weakly typed network would choose half precision all the same.
    """
    if isinstance(variant, GraphReplay):
        inner = in_float32(variant.inner)
        return None if inner is None else GraphReplay(inner)
    kind = next((kind for kind in _KINDS if kind.__base__ is type(variant)), None)
    return None if kind is None else kind()


def _compiled_by_torch_tensorrt(request: BuildRequest) -> Built:
    """Half precision goes in, as the variant's callers have it, and is computed in float32."""
    from perfkit.variants._export import example_shape, export
    from perfkit.variants._float32 import TakesHalf
    from perfkit.variants._torch_tensorrt import compile_program

    started = time.perf_counter()
    example = request.example.new_empty(example_shape(request.profile)).normal_().half()
    program, notes = export(TakesHalf(copy.deepcopy(request.model)).eval(), request.profile, example)
    return compile_program(program, request, started, notes)


def _built_by_tensorrt(request: BuildRequest) -> Built:
    """Strongly typed where TensorRT can be, else weakly typed and without a flag: float32 in both."""
    from perfkit.variants._onnx import export_onnx
    from perfkit.variants._onnx_trt import build_engine

    started = time.perf_counter()
    return build_engine(export_onnx(request.model, request.profile, request.example), request, started)
