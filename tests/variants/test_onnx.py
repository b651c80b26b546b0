"""Exported ONNX is read by another library and gives the model's answers at every size of the profile."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
import torch
from torch import nn
from torchvision.models import get_model

from perfkit.catalog.profile import ShapeProfile
from perfkit.variants._onnx import INPUT, count_operators, export_onnx, fold_batch_norm
from tests.variants.requests import FIXED, Tiny

# PyTorch's TorchScript exporter announces that it will go; the dynamo one refuses sizes that these models take.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SIZE = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 80, 80), max=(1, 3, 112, 112))
BATCH = ShapeProfile(min=(1, 3, 64, 64), opt=(2, 3, 64, 64), max=(4, 3, 64, 64))


def settled(model: nn.Module) -> nn.Module:
    """With BatchNorm statistics that do something."""
    model.train()
    with torch.no_grad():
        model(torch.rand(4, 3, 64, 64))
    return model.eval()


def answers(onnx: bytes, images: torch.Tensor) -> torch.Tensor:
    compiled = ov.Core().compile_model(ov.Core().read_model(onnx), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return torch.from_numpy(np.array(compiled({INPUT: images.numpy()})[0]))


@pytest.mark.parametrize(("profile", "open_dimensions"), [(SIZE, [2, 3]), (BATCH, [0]), (FIXED, [])])
def test_it_serves_the_whole_profile(profile: ShapeProfile, open_dimensions: list[int]) -> None:
    model = settled(get_model("resnet18", weights=None))
    onnx = export_onnx(model, profile, torch.rand(profile.opt))
    assert not model.training
    assert not any(module.training for module in model.modules())
    (parameter,) = ov.Core().read_model(onnx).inputs
    assert [i for i, size in enumerate(parameter.partial_shape) if size.is_dynamic] == open_dimensions
    for shape in {profile.min, profile.opt, profile.max}:
        images = torch.rand(shape)
        with torch.inference_mode():
            torch.testing.assert_close(answers(onnx, images), model(images), rtol=1e-3, atol=1e-4)


# Attention checks its sizes in Python, which tracing tells; a build keeps that as a note.
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_attention_is_exported_and_the_fast_path_is_left_as_it_was() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 1)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.encoder(images.flatten(1).unflatten(1, (-1, 8)))
            return found

    model = Attending().eval()
    enabled = torch.backends.mha.get_fastpath_enabled()
    onnx = export_onnx(model, FIXED, torch.rand(FIXED.opt))
    assert torch.backends.mha.get_fastpath_enabled() is enabled
    images = torch.rand(FIXED.opt)
    with torch.inference_mode():
        torch.testing.assert_close(answers(onnx, images), model(images), rtol=1e-3, atol=1e-4)


def test_a_half_model_stays_half() -> None:
    model = settled(get_model("squeezenet1_1", weights=None)).half()
    parsed = ov.Core().read_model(export_onnx(model, FIXED, torch.rand(FIXED.opt).half()))
    assert [port.element_type for port in (*parsed.inputs, *parsed.outputs)] == [ov.Type.f16, ov.Type.f16]


def test_operators_are_counted_without_constants() -> None:
    """A convolution, a ReLU and a mean, whose axes are a constant."""
    assert count_operators(export_onnx(Tiny().eval(), FIXED, torch.rand(FIXED.opt))) == 3


def test_batch_norms_go_into_their_convolutions() -> None:
    model = settled(get_model("mobilenet_v2", weights=None))
    folded, notes = fold_batch_norm(model)
    assert notes == []
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(folded(images), model(images), rtol=1e-3, atol=1e-4)
        onnx = export_onnx(folded, SIZE, torch.rand(SIZE.opt))
        torch.testing.assert_close(answers(onnx, images), model(images), rtol=1e-3, atol=1e-4)


def test_a_model_that_cant_be_traced_stays_as_it_is() -> None:
    class Branching(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images if images.sum() > 0 else -images

    model = Branching().eval()
    assert fold_batch_norm(model) == (model, ["BatchNorm not folded: torch.fx can't trace the model"])
