"""Post-training quantization by ModelOpt: explicit quantize and dequantize operators in the model."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from perfkit.store.key import source_sha256
from perfkit.variants.base import CalibrationUnsupported

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from torch import Tensor

    from perfkit.catalog.config import Quantization
    from perfkit.variants.base import BuildRequest

QuantizedPrecision = Literal["int8", "fp8"]
"""Eight bits: integers, or floating-point numbers of four exponent bits (E4M3)."""

_BY_HISTOGRAM = ("entropy", "percentile")


def key_parts(request: BuildRequest, precision: QuantizedPrecision, *modules: ModuleType) -> dict[str, str]:
    """What of the quantization shapes an engine; ``modules`` are those that quantize and build in one."""
    import modelopt

    return {
        "modelopt": modelopt.__version__,
        "quantization_sha256": source_sha256(sys.modules[__name__], *modules),
        "calibration_sha256": request.calibration_sha256,
        "calibration": str(as_done(request.quantization, precision)),
    }


def as_done(quantization: Quantization, precision: QuantizedPrecision) -> Quantization:
    """How ranges are found at this precision: the ways from FP8 weights to TensorRT take one a tensor alone."""
    return quantization if precision == "int8" else quantization.model_copy(update={"weights": "tensor"})


def quantize(
    model: nn.Module, calibration: Iterable[Tensor], quantization: Quantization, precision: QuantizedPrecision
) -> nn.Module:
    """A quantized copy; the ranges of weights and activations come from the calibration pictures.

    ``calibration`` holds float32 batches (batch, 3, height, width); they are cast to the model's type. Activations
    have one range a tensor, weights one a tensor or an output channel. Of ModelOpt's own algorithms ``max`` takes the
    largest absolute value of both, ``mse`` searches the weights' ranges. ``entropy`` and ``percentile`` choose the
    activations' from a histogram; that of ``mse`` isn't used, for in ModelOpt 0.47 it always returns its smallest
    candidate (docs/tensorrt.md). FP8 has ``max`` with one range a tensor only: see :func:`as_done`.

    Raises CalibrationUnsupported for another method at FP8, and for TensorRT's own.
    """
    # The import registers the operators that exporters and converters ask for.
    import modelopt.torch.quantization as mtq

    quantization = as_done(quantization, precision)
    if precision == "fp8" and quantization.method != "max":
        raise CalibrationUnsupported(
            f"FP8 calibrates by max, not by {quantization.method}: set [quantization] method to max, or leave FP8 out"
        )
    if quantization.method == "implicit-entropy":
        raise CalibrationUnsupported(
            "only onnx-trt-int8 calibrates by implicit-entropy: set [quantization] method to another, or leave this out"
        )
    dtype = next(model.parameters()).dtype
    batches = [batch.to(dtype) for batch in calibration]

    def feed(quantized: nn.Module) -> None:
        for batch in batches:
            quantized(batch)

    config: dict[str, Any] = copy.deepcopy(mtq.INT8_DEFAULT_CFG if precision == "int8" else mtq.FP8_DEFAULT_CFG)
    _entry(config, "*weight_quantizer")["axis"] = 0 if quantization.weights == "channel" else None
    with torch.no_grad():
        if quantization.method not in _BY_HISTOGRAM:
            config["algorithm"] = quantization.method
            return _quantized(mtq, model, config, feed)
        _entry(config, "*input_quantizer")["calibrator"] = "histogram"
        config["algorithm"] = None
        quantized = _quantized(mtq, model, config, None)
        _calibrate_by_histogram(quantized, feed, quantization.method)
    # A histogram's ranges are computed on the host.
    return quantized.to(next(model.parameters()).device)


def _quantized(mtq: Any, model: nn.Module, config: dict[str, Any], feed: Any) -> nn.Module:
    quantized: nn.Module = mtq.quantize(copy.deepcopy(model), config, feed)
    return quantized


def _entry(config: dict[str, Any], quantizer: str) -> dict[str, Any]:
    """The attributes that ModelOpt's configuration gives to these quantizers."""
    (attributes,) = (entry["cfg"] for entry in config["quant_cfg"] if entry["quantizer_name"] == quantizer)
    found: dict[str, Any] = attributes
    return found


def _calibrate_by_histogram(quantized: nn.Module, feed: Any, method: str) -> None:
    """What ModelOpt's algorithms do, which hand no method to a histogram."""
    from modelopt.torch.quantization.model_calib import enable_stats_collection
    from modelopt.torch.quantization.nn import TensorQuantizer

    enable_stats_collection(quantized)
    feed(quantized)
    for name, quantizer in quantized.named_modules():
        if isinstance(quantizer, TensorQuantizer) and quantizer.is_enabled:
            quantizer.load_calib_amax(*([method] if name.endswith("input_quantizer") else []))
            quantizer.enable_quant()
            quantizer.disable_calib()
