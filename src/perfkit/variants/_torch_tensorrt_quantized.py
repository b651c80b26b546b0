"""A half model quantized by ModelOpt (explicit Q/DQ), built by Torch-TensorRT.

What isn't quantized runs in half precision; with eight bits and FP32 only, unsupported layers fall back to FP32 and the
engine can be slower than FP16.
"""

from __future__ import annotations

import copy
import sys
import time
from typing import TYPE_CHECKING

from perfkit.variants import _modelopt
from perfkit.variants._export import example_shape, export
from perfkit.variants._torch_tensorrt import compile_program

if TYPE_CHECKING:
    from perfkit.variants._torch_tensorrt import BuiltTensorrt
    from perfkit.variants.base import BuildRequest


def key_parts(request: BuildRequest, precision: _modelopt.QuantizedPrecision) -> dict[str, str]:
    """What shapes the engine beyond what shapes every one of Torch-TensorRT."""
    return _modelopt.key_parts(request, precision, sys.modules[__name__])


def build_quantized(request: BuildRequest, precision: _modelopt.QuantizedPrecision) -> BuiltTensorrt:
    """Quantizes, exports and compiles; raises whatever these raise."""
    from modelopt.torch.quantization.utils import export_torch_mode

    started = time.perf_counter()
    half = copy.deepcopy(request.model).half()
    model = _modelopt.quantize(half, request.calibration, request.quantization, precision)
    example = request.example.new_empty(example_shape(request.profile)).normal_().half()
    with export_torch_mode():
        program, notes = export(model, request.profile, example)
        built = compile_program(program, request, started, notes)
    calibration = str(_modelopt.as_done(request.quantization, precision))
    built.facts = built.facts.model_copy(update={"calibration": calibration})
    return built
