"""Post-training quantization by ModelOpt: explicit quantize and dequantize operators in the model."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor


def quantize_int8(model: nn.Module, calibration: Iterable[Tensor]) -> nn.Module:
    """A quantized copy: weights per output channel, activations per tensor, ranges from the calibration pictures.

    ``calibration`` holds float32 batches (batch, 3, height, width); they are cast to the model's type.
    """
    # The import registers the operators that exporters and converters ask for.
    import modelopt.torch.quantization as mtq

    dtype = next(model.parameters()).dtype
    batches = [batch.to(dtype) for batch in calibration]

    def feed(quantized: nn.Module) -> None:
        for batch in batches:
            quantized(batch)

    with torch.no_grad():
        quantized: nn.Module = mtq.quantize(copy.deepcopy(model), mtq.INT8_DEFAULT_CFG, feed)
    return quantized
