"""trt-fp16: Torch-TensorRT's dynamo front end on a half model."""

from __future__ import annotations

import copy
import time

from perfkit.catalog.case import Platform
from perfkit.variants.base import BuildRequest, Built, Variant


class TrtFp16(Variant):
    """A strongly typed half-precision engine."""

    name = "trt-fp16"
    platform = Platform.CUDA
    cosine_bound = 0.999

    def unavailable(self) -> str | None:
        from perfkit.variants._torch_tensorrt import why_unavailable

        return why_unavailable()

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._torch_tensorrt import compile_program, example_shape, export

        started = time.perf_counter()
        model = copy.deepcopy(request.model).half()
        example = request.example.new_empty(example_shape(request.profile)).normal_().half()
        program, notes = export(model, request.profile, example)
        return compile_program(program, request, started, notes)
