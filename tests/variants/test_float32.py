"""Builds in float32 that pass for another variant's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from perfkit.catalog.fault import FaultKind
from perfkit.catalog.profile import ShapeProfile
from perfkit.store.engine_store import EngineStore
from perfkit.variants._float32 import TakesHalf
from perfkit.variants.base import StoredVariant
from perfkit.variants.build import build_variant, key_of
from perfkit.variants.faults import why_not
from perfkit.variants.float32 import in_float32
from perfkit.variants.precision import PrecisionNotDelivered
from perfkit.variants.registry import known_names, load_variant, variant_names
from tests.variants.requests import PLAIN, request_for

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = ShapeProfile(min=(1, 3, 32, 32), opt=(1, 3, 32, 32), max=(1, 3, 64, 64))
TENSORRT = {f"{backend}-{precision}" for backend in ("trt", "onnx-trt") for precision in ("fp16", "int8", "fp8")}
CAN = {"openvino-int8", *TENSORRT}


class Convolutions(nn.Module):
    """Enough of them to be quantized."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(images).mean((2, 3))
        return out


def test_which_variants_can_be_built_so_or_lose_a_graph() -> None:
    graphs = {f"{name}-graph" for name in CAN}
    assert {name for name in known_names() if why_not(FaultKind.FP32_ENGINE, name) is None} == CAN | graphs
    assert {name for name in known_names() if why_not(FaultKind.LOST_GRAPH, name) is None} == {
        f"{name}-graph" for name in variant_names()
    }
    assert why_not(FaultKind.SLOW, "eager-fp32") is None


@pytest.mark.parametrize("name", [*sorted(CAN), "trt-fp16-graph"])
def test_it_is_the_variant_in_all_but_the_build(name: str) -> None:
    real = load_variant(name)
    fault = in_float32(real)
    assert fault is not None
    assert (fault.name, fault.platform, fault.cosine_bound) == (real.name, real.platform, real.cosine_bound)
    assert fault.precision_formats == real.precision_formats != ()
    assert type(fault).build is not type(real).build or name.endswith("-graph")
    if isinstance(real, StoredVariant):
        assert isinstance(fault, StoredVariant)
        assert fault.isolated is real.isolated


def test_openvinos_is_really_built_and_found_and_the_store_never_sees_it(tmp_path: Path) -> None:
    request = request_for(Convolutions().eval(), PROFILE, PLAIN, tmp_path)
    store = EngineStore(tmp_path / "cache", 2**30)
    real = load_variant("openvino-int8")
    fault = in_float32(real)
    assert isinstance(real, StoredVariant)
    assert isinstance(fault, StoredVariant)
    assert key_of(fault, request) != key_of(real, request)
    for _ in range(2):  # with an empty store, and with the real engine in it
        refused = r"^precision not delivered: 0 of 2 compute layers are i8 or u8 \(f32\)"
        with pytest.raises(PrecisionNotDelivered, match=refused):
            build_variant(fault, request, store, rebuild=True)
        assert store.find(key_of(fault, request)) is None
        built = build_variant(real, request, store).built
        assert built.facts.delivered_layers == built.facts.compute_layers
        built.close()


def test_a_model_that_takes_half_precision_computes_in_float32() -> None:
    model = Convolutions().eval()
    images = torch.rand(1, 3, 32, 32).half()
    answer = TakesHalf(model).eval()(images)
    assert answer.dtype is torch.float32
    torch.testing.assert_close(answer, model(images.float()))
