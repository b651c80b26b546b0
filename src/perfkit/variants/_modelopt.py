"""Post-training quantization by ModelOpt: explicit quantize and dequantize operators in the model."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from perfkit.store.key import source_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from perfkit.catalog.config import Quantization
    from perfkit.variants.base import BuildRequest

_BY_HISTOGRAM = ("entropy", "percentile")


def key_parts(request: BuildRequest) -> dict[str, str]:
    """What of the quantization shapes an engine."""
    import modelopt

    return {
        "modelopt": modelopt.__version__,
        "quantization_sha256": source_sha256(sys.modules[__name__]),
        "calibration_sha256": request.calibration_sha256,
        "calibration": str(request.quantization),
    }


def quantize_int8(model: nn.Module, calibration: Iterable[Tensor], quantization: Quantization) -> nn.Module:
    """A quantized copy; the ranges of weights and activations come from the calibration pictures.

    ``calibration`` holds float32 batches (batch, 3, height, width); they are cast to the model's type. Activations
    have one range a tensor, weights one a tensor or an output channel. Of ModelOpt's own algorithms ``max`` takes the
    largest absolute value of both, ``mse`` searches the weights' ranges. ``entropy`` and ``percentile`` choose the
    activations' from a histogram; that of ``mse`` isn't used, for in ModelOpt 0.47 it always returns its smallest
    candidate (docs/tensorrt.md).
    """
    # The import registers the operators that exporters and converters ask for.
    import modelopt.torch.quantization as mtq

    dtype = next(model.parameters()).dtype
    batches = [batch.to(dtype) for batch in calibration]

    def feed(quantized: nn.Module) -> None:
        for batch in batches:
            quantized(batch)

    config: dict[str, Any] = copy.deepcopy(mtq.INT8_DEFAULT_CFG)
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
