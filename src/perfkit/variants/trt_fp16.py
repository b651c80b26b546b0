"""trt-fp16: Torch-TensorRT's dynamo front end on a half model."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

from perfkit.variants._torch_tensorrt_base import TorchTensorrtVariant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class TrtFp16(TorchTensorrtVariant):
    """A strongly typed half-precision engine."""

    name = "trt-fp16"
    cosine_bound = 0.999
    precision_formats = ("half", "fp16")

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._export import example_shape, export
        from perfkit.variants._torch_tensorrt import compile_program

        started = time.perf_counter()
        model = copy.deepcopy(request.model).half()
        example = request.example.new_empty(example_shape(request.profile)).normal_().half()
        program, notes = export(model, request.profile, example)
        return compile_program(program, request, started, notes)
