"""What each variant builds on a GPU, and its precision. Run on the GPU host: ``pytest -m gpu tests/gpu``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.store.engine_store import cache_folder

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest

pytestmark = pytest.mark.gpu

torch = pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("inductor-fp16", None), ("channels-last-fp16", None), ("trt-fp8", "fp8"), ("onnx-trt-fp8", "fp8"),
        ("trt-ts-fp16", None), ("torch2trt-fp16", None),
    ],
)  # fmt: skip
def test_every_other_variant_builds_and_agrees(name: str, precision: str | None) -> None:
    """resnet18 at one shape; an engine goes through a file, as it does on its way to the store."""
    from perfkit.catalog.case import Platform
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.catalog.profile import ShapeProfile
    from perfkit.measure.agreement import check_answers
    from perfkit.variants.build import build_variant
    from perfkit.variants.registry import load_variant, why_unavailable
    from tests.variants.requests import evaluation_batches, request_for

    variant = load_variant(name)
    if reason := why_unavailable(variant, Platform.CUDA):
        pytest.skip(reason)
    shape, device = (1, 3, 224, 224), torch.device("cuda", 0)
    profile = ShapeProfile(min=shape, opt=shape, max=shape)
    model = load_model("resnet18", calibration_images(), shape, device)
    request = request_for(model.module, profile, model.preprocessing, cache_folder(ROOT), device)
    built = build_variant(variant, request).built
    pictures = [batch.to(device) for batch in evaluation_batches(shape, model.preprocessing, 8)]
    with torch.cuda.stream(torch.cuda.Stream()), torch.inference_mode():
        check_answers(
            lambda images: (model.module(images),),
            lambda images: built.unpack(built.call(built.prepare(images))),
            pictures,
            cosine_bound=variant.cosine_bound,
            classifies=True,
        )
    if "trt" in name:
        assert built.facts.engines == 1
        assert (built.facts.engine_bytes or 0) > 1_000_000
    if precision is not None:
        assert any(precision in name.lower() for name in built.facts.layer_formats or {}), built.facts.layer_formats


def test_what_pytorch_still_runs_is_counted_and_timed() -> None:
    """Torch-TensorRT has no converter for the Bessel function: PyTorch runs it between two engines."""
    from torch import nn

    from perfkit.catalog.profile import ShapeProfile
    from perfkit.variants.building import build_here
    from perfkit.variants.registry import load_variant
    from tests.variants.requests import PLAIN, request_for

    class Bessel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before, self.after = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3)

        def forward(self, images: Any) -> Any:
            return self.after(torch.special.i0(self.before(images).sigmoid())).relu()

    shape, device = (1, 3, 64, 64), torch.device("cuda", 0)
    profile = ShapeProfile(min=shape, opt=shape, max=shape)
    model = Bessel().eval().to(device)
    request = request_for(model, profile, PLAIN, cache_folder(ROOT), device)
    facts = build_here(load_variant("trt-fp16"), request).built.facts
    assert facts.engines == 2
    assert facts.fallback_ops == 1
    assert facts.fallback_device_share is not None
    assert 0 < facts.fallback_device_share < 0.9


@pytest.mark.parametrize("flags", [(), ("FP16",)])
def test_an_fp16_engine_of_float32_layers_is_broken(flags: tuple[str, ...], tmp_path: Path) -> None:
    """mobilenet_v2, weakly typed, 112 to 448.

    Without a flag every layer is float32. With it TensorRT 10.6 is free to choose, and says nothing: on an H100 it
    once built every layer in float32 as well, on an H200 not.
    """
    from perfkit.catalog.config import load_config
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.variants._onnx import export_onnx
    from perfkit.variants._onnx_trt import build_engine, has_weak_typing
    from perfkit.variants.building import build_here
    from perfkit.variants.onnx_trt_fp16 import OnnxTrtFp16
    from perfkit.variants.precision import PrecisionNotDelivered, count_layers, prove_precision
    from tests.variants.requests import request_for

    if not has_weak_typing():
        pytest.skip("this TensorRT knows strongly typed networks only")

    class Weak(OnnxTrtFp16):
        def build(self, request: BuildRequest) -> Any:
            onnx = export_onnx(request.model, request.profile, request.example)
            return build_engine(onnx, request, time.perf_counter(), flags=list(flags))

    device = torch.device("cuda", 0)
    profile = load_config(tmp_path).profile("size")
    model = load_model("mobilenet_v2", calibration_images(), profile.opt, device)
    request = request_for(model.module, profile, model.preprocessing, cache_folder(ROOT), device)
    built = build_here(Weak(), request).built
    count_layers(Weak(), built, request.precision)
    if not flags:
        assert built.facts.delivered_layers == 0
    if built.facts.delivered_layers:
        prove_precision(Weak(), built, request.precision)
        return
    refused = r"^precision not delivered: 0 of \d+ compute layers are half or fp16"
    with pytest.raises(PrecisionNotDelivered, match=refused):
        prove_precision(Weak(), built, request.precision)


@pytest.mark.parametrize(
    "name", ["trt-fp16", "trt-int8", "trt-fp8", "onnx-trt-fp16", "onnx-trt-int8", "onnx-trt-fp8", "onnx-trt-fp16-graph"]
)
def test_an_engine_that_is_really_built_in_float32_is_broken(name: str, tmp_path: Path) -> None:
    """As perfkit drill puts it in; the store never sees it."""
    from perfkit.catalog.case import Platform
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.catalog.profile import ShapeProfile
    from perfkit.store.engine_store import EngineStore
    from perfkit.variants.build import build_variant
    from perfkit.variants.float32 import in_float32
    from perfkit.variants.precision import PrecisionNotDelivered
    from perfkit.variants.registry import load_variant, why_unavailable
    from tests.variants.requests import request_for

    variant = load_variant(name)
    if reason := why_unavailable(variant, Platform.CUDA):
        pytest.skip(reason)
    shape, device = (1, 3, 112, 112), torch.device("cuda", 0)
    profile = ShapeProfile(min=shape, opt=shape, max=shape)
    model = load_model("resnet18", calibration_images(), shape, device)
    request = request_for(model.module, profile, model.preprocessing, cache_folder(ROOT), device)
    fault = in_float32(variant)
    assert fault is not None
    store = EngineStore(tmp_path / "cache", 2**30)
    wanted = " or ".join(variant.precision_formats)
    refused = rf"^precision not delivered: 0 of \d+ compute layers are {wanted} "
    with pytest.raises(PrecisionNotDelivered, match=refused):
        build_variant(fault, request, store, rebuild=True)
    assert not list((tmp_path / "cache").rglob("manifest*"))
