"""Quantization by ModelOpt, where it is installed: its fake-quantized model runs on a CPU."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from perfkit.catalog.config import Quantization

pytest.importorskip("modelopt", reason="nvidia-modelopt is part of the trt extra, which CI doesn't install")


@pytest.mark.filterwarnings("ignore")  # ModelOpt's own, by the dozen
@pytest.mark.parametrize(
    ("method", "weights"), [("max", "channel"), ("entropy", "tensor"), ("percentile", "channel"), ("mse", "tensor")]
)
def test_every_method_quantizes_and_answers_alike(method: str, weights: str) -> None:
    from perfkit.variants._modelopt import quantize_int8

    model = get_model("squeezenet1_1", weights=None).eval()
    batches = [torch.rand(2, 3, 64, 64) for _ in range(2)]
    quantization = Quantization.model_validate({"method": method, "weights": weights})
    quantized = quantize_int8(model, batches, quantization)
    parts = dict(quantized.named_modules())
    convolutions = [name for name, part in parts.items() if isinstance(part, nn.Conv2d)]
    assert len(convolutions) == 26
    for name in convolutions:
        channels = parts[name].out_channels if weights == "channel" else 1
        assert parts[f"{name}.weight_quantizer"].amax.numel() == channels
        assert parts[f"{name}.input_quantizer"].amax.numel() == 1
    with torch.inference_mode():
        similar = torch.cosine_similarity(quantized(batches[0]), model(batches[0]), dim=1)
    assert similar.min() > 0.95
