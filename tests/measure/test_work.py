"""FLOPs and bytes of a model at a shape, by hand where they can be counted by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from perfkit.measure.work import CountedWork, precision_of
from perfkit.record.facts import WorkPrecision

SHAPE = (2, 3, 8, 8)
FLOPS = 2 * (2 * 5 * 8 * 8) * (3 * 3 * 3)
"""Two a multiplication and addition: 3x3 filters over three channels, for each of five channels' 2x8x8 answers."""
NUMBERS = (5 * 3 * 9 + 5) + 2 * 3 * 8 * 8 + 2 * 5 * 8 * 8
"""Parameters, input, output."""


class WithATrainingHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 5, 3, padding=1)
        self.head = nn.Linear(1000, 1000)  # no call reads it

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.convolution(images)
        return found.relu()


@pytest.mark.parametrize(
    ("variant", "tf32", "precision", "size"),
    [
        ("eager-fp32", False, "fp32", 4),
        ("eager-fp32", True, "tf32", 4),
        ("trt-fp16-graph", True, "fp16", 2),
        ("eager-bf16", False, "bf16", 2),
        ("onnx-trt-int8", False, "int8", 1),
        ("trt-fp8", False, "fp8", 1),
    ],
)
def test_a_convolution_by_hand(variant: str, precision: str, size: int, *, tf32: bool) -> None:
    work = CountedWork(WithATrainingHead().eval()).at(SHAPE, variant, tf32=tf32)
    assert work is not None
    assert (work.precision, work.flops, work.min_bytes) == (precision, FLOPS, size * NUMBERS)


def test_a_variant_named_for_no_precision_has_no_work() -> None:
    assert precision_of("mine", tf32=False) is None
    assert CountedWork(WithATrainingHead()).at(SHAPE, "mine", tf32=False) is None


class LooksAtItsNumbers(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images if images.sum() > 0 else -images


def test_a_model_that_looks_at_its_numbers_has_no_work() -> None:
    assert CountedWork(LooksAtItsNumbers()).at(SHAPE, "eager-fp32", tf32=False) is None


@pytest.mark.parametrize(("name", "giga_macs"), [("mobilenet_v2", 0.301), ("resnet18", 1.814)])
def test_known_models_have_their_known_work(name: str, giga_macs: float) -> None:
    """Multiplications and additions as torchvision's table of weights gives them."""
    model = get_model(name).eval()
    work = CountedWork(model).at((1, 3, 224, 224), "eager-fp32", tf32=False)
    assert work is not None
    assert work.flops / 2e9 == pytest.approx(giga_macs, rel=0.01)
    assert work.min_bytes >= 4 * sum(parameter.numel() for parameter in model.parameters())


def test_attention_is_counted_in_inference_mode_too() -> None:
    """On a device with numbers it is one operator that nobody counts."""

    class OfTokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

        def forward(self, images: Tensor) -> Tensor:
            found: Tensor = self.layer(images.flatten(0, 1))
            return found

    tokens, width = 10, 16
    products = 4 * tokens * width * width + 2 * tokens * tokens * width + 2 * tokens * width * 32
    with torch.inference_mode():
        work = CountedWork(OfTokens().eval()).at((1, 1, tokens, width), "eager-fp32", tf32=False)
    assert work is not None
    assert work.flops == 2 * products


def test_every_shape_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = CountedWork(WithATrainingHead())
    one = counted.at(SHAPE, "eager-fp32", tf32=False)
    monkeypatch.setattr("perfkit.measure.work._count", lambda *_: pytest.fail("counted again"))
    half = counted.at(SHAPE, "eager-fp16", tf32=False)
    assert one is not None
    assert half is not None
    assert (half.flops, half.min_bytes * 2) == (one.flops, one.min_bytes)
    assert half.precision is WorkPrecision.FP16
