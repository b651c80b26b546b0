"""The variants of the CPU platform, really built: one small model, one dynamic engine, three shapes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from perfkit.catalog.images import calibration_images
from perfkit.catalog.models import LoadedModel, load_model
from perfkit.catalog.profile import ShapeProfile
from perfkit.measure.agreement import check_answers
from perfkit.store.engine_store import EngineStore
from perfkit.variants._eager import BuiltModule
from perfkit.variants.base import Built, StoredVariant
from perfkit.variants.build import build_variant, key_of
from perfkit.variants.registry import load_variant
from tests.variants.requests import CPU, evaluation_batches, request_for

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.catalog.case import Shape
    from perfkit.record.schema import Agreement

PROFILE = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 80, 80), max=(3, 3, 96, 112))
OFF_PROFILE = (2, 3, 72, 88)
SHAPES = [*PROFILE.shapes(), OFF_PROFILE]
"""Minimum, optimum, maximum and one between them."""

Build = Callable[[str], Built]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path_factory.mktemp("hub")))
        patch.setattr("perfkit.catalog.models._network_answers", lambda _host: False)
        return load_model("squeezenet1_1", calibration_images(), PROFILE.opt, CPU)


@pytest.fixture(scope="module")
def build(model: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds each variant once for all tests."""
    built: dict[str, Built] = {}

    def build_once(name: str) -> Built:
        if name not in built:
            request = request_for(model.module, PROFILE, model.preprocessing, tmp_path_factory.mktemp("cache"))
            built[name] = build_variant(load_variant(name), request).built
        return built[name]

    return build_once


def answer(built: Built, images: Tensor) -> tuple[Tensor, ...]:
    with torch.inference_mode():
        return built.unpack(built.call(built.prepare(images)))


def agreement(model: LoadedModel, built: Built, name: str, shape: Shape) -> Agreement:
    with torch.inference_mode():
        return check_answers(
            lambda images: (model.module(images),),
            lambda images: answer(built, images),
            evaluation_batches(shape, model.preprocessing),
            cosine_bound=load_variant(name).cosine_bound,
            classifies=True,
        )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["eager-fp32", "eager-bf16", "openvino-fp32", "openvino-int8"])
def test_answers_agree_at_every_shape_of_the_profile(model: LoadedModel, build: Build, name: str, shape: Shape) -> None:
    found = agreement(model, build(name), name, shape)
    assert found.images == 2 * shape[0]
    assert found.cosine_min > load_variant(name).cosine_bound


def test_rounding_shows(model: LoadedModel, build: Build) -> None:
    """Each precision really runs: the fewer bits, the more noise."""
    noise = {
        name: agreement(model, build(name), name, PROFILE.opt).sqnr_db_min
        for name in ("eager-fp32", "openvino-fp32", "eager-bf16", "openvino-int8")
    }
    assert noise["eager-fp32"] == 200
    assert 200 > noise["openvino-fp32"] > 80 > noise["eager-bf16"] > noise["openvino-int8"] > 3


def test_engines_are_proven_by_their_facts(build: Build) -> None:
    plain, quantized = build("openvino-fp32").facts, build("openvino-int8").facts
    for facts in (plain, quantized):
        assert facts.engines == 1
        assert facts.build_s > 0
        assert facts.layers is not None
        assert facts.layers == sum((facts.layer_formats or {}).values()) > 20
        assert len(facts.engine_sha256 or "") == 64
    assert not {"i8", "u8"} & set(plain.layer_formats or {})
    assert {"i8", "u8"} & set(quantized.layer_formats or {})
    assert (quantized.engine_bytes or 0) < 0.5 * (plain.engine_bytes or 0)
    assert plain.engine_sha256 != quantized.engine_sha256


@pytest.mark.parametrize("name", ["openvino-fp32", "openvino-int8"])
def test_an_engine_is_loaded_from_the_store_as_it_was_built(model: LoadedModel, name: str, tmp_path: Path) -> None:
    """The same bytes and answers; the second run builds nothing."""
    request = request_for(model.module, PROFILE, model.preprocessing, tmp_path)
    store = EngineStore(tmp_path, 2**30)
    built, loaded = (build_variant(load_variant(name), request, store).built for _ in range(2))
    assert (built.facts.from_store, loaded.facts.from_store) == (False, True)
    assert built.facts.notes == loaded.facts.notes == []
    assert loaded.facts.engine_sha256 == built.facts.engine_sha256
    assert loaded.facts.layer_formats == built.facts.layer_formats
    assert (loaded.facts.load_s or 0) > 0
    for shape in SHAPES:
        (images,) = evaluation_batches(shape, model.preprocessing, 1)
        assert torch.equal(answer(loaded, images)[0], answer(built, images)[0])
        assert agreement(model, loaded, name, shape).images == shape[0] * 2


@pytest.mark.case("B14")
def test_int8_is_of_its_calibration_pictures_and_fp32_isnt(model: LoadedModel, tmp_path: Path) -> None:
    request = request_for(model.module, PROFILE, model.preprocessing, tmp_path)
    other = dataclasses.replace(request, calibration_sha256="1" * 64)
    for name, same in (("openvino-fp32", True), ("openvino-int8", False)):
        variant = load_variant(name)
        assert isinstance(variant, StoredVariant)
        assert (key_of(variant, request) == key_of(variant, other)) is same


def test_eager_has_no_engine(build: Build) -> None:
    facts = build("eager-bf16").facts
    assert facts.engines is facts.engine_bytes is facts.layers is None


def test_an_answer_outlives_the_next_call(model: LoadedModel, build: Build) -> None:
    """OpenVINO shares its output memory, which the next call overwrites."""
    first, second = evaluation_batches(PROFILE.opt, model.preprocessing)
    (kept,) = answer(build("openvino-fp32"), first)
    before = kept.clone()
    (other,) = answer(build("openvino-fp32"), second)
    assert torch.equal(kept, before)
    assert not torch.equal(kept, other)


def test_an_engine_refuses_what_lies_outside_its_profile(model: LoadedModel, build: Build) -> None:
    (images,) = evaluation_batches((1, 3, 128, 128), model.preprocessing, 1)
    with pytest.raises(RuntimeError, match=r"(?i)shape|dimension"):
        answer(build("openvino-fp32"), images)


def test_half_precision_is_a_copy(model: LoadedModel, build: Build) -> None:
    """The reference keeps its own weights, and images are cast before the timed call."""
    built = build("eager-bf16")
    (images,) = evaluation_batches(PROFILE.min, model.preprocessing, 1)
    assert built.prepare(images).dtype == torch.bfloat16
    assert {parameter.dtype for parameter in model.module.parameters()} == {torch.float32}


def test_channels_last_are_inputs_and_weights_before_the_timed_call(model: LoadedModel, tmp_path: Path) -> None:
    """Of the CUDA platform; a CPU runs it as well, slowly."""
    request = request_for(model.module, PROFILE, model.preprocessing, tmp_path)
    built = load_variant("channels-last-fp16").build(request)
    (images,) = evaluation_batches(PROFILE.max, model.preprocessing, 1)
    prepared = built.prepare(images)
    assert prepared.dtype == torch.half
    assert prepared.is_contiguous(memory_format=torch.channels_last)
    assert not prepared.is_contiguous()
    assert isinstance(built, BuiltModule)
    copied = built._module
    assert isinstance(copied, nn.Module)
    weights = [weight for weight in copied.parameters() if weight.dim() == 4 and min(weight.shape[1:3]) > 1]
    assert weights
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)
    assert all(weight.is_contiguous() for weight in model.module.parameters())
    assert agreement(model, built, "channels-last-fp16", PROFILE.max).cosine_min > 0.999


@pytest.mark.parametrize("name", ["eager-fp32", "openvino-fp32"])
def test_what_is_closed_is_not_called_again(model: LoadedModel, name: str, tmp_path: Path) -> None:
    request = request_for(model.module, PROFILE, model.preprocessing, tmp_path)
    built = load_variant(name).build(request)
    (images,) = evaluation_batches(PROFILE.min, model.preprocessing, 1)
    answer(built, images)
    built.close()
    with pytest.raises((AttributeError, TypeError)):
        answer(built, images)


@pytest.mark.skipif(load_variant("inductor-fp32").unavailable() is not None, reason="no C++ compiler")
@pytest.mark.parametrize(("name", "dtype"), [("inductor-fp32", torch.float32), ("inductor-fp16", torch.float16)])
def test_inductor_compiles(
    model: LoadedModel, name: str, dtype: torch.dtype, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two layers and one static shape, for compiling takes a while."""
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    # Both save time in later compilations, of which there are none.
    saving = config.patch({"cpp_cache_precompile_headers": False, "cpp.vec_isa_ok": True})
    torch.manual_seed(0)
    small = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    static = ShapeProfile(min=PROFILE.min, opt=PROFILE.min, max=PROFILE.min)
    with saving:
        built = build_variant(load_variant(name), request_for(small, static, model.preprocessing, tmp_path)).built
    (images,) = evaluation_batches(PROFILE.min, model.preprocessing, 1)
    (found,) = answer(built, images)
    assert found.dtype == dtype
    tolerance = None if dtype == torch.float32 else 1e-2
    torch.testing.assert_close(found.float(), small(images), rtol=tolerance, atol=tolerance)
    assert list((tmp_path / "inductor").rglob("*.cpp"))
    built.close()


@pytest.mark.parametrize("name", ["openvino-fp32", "openvino-int8"])
def test_openvino_tells_its_layers(build: Build, name: str) -> None:
    built = build(name)
    assert built.layers is not None
    assert built.facts.layers == len(built.layers.layers)
    computing = built.layers.computing()
    assert built.facts.compute_layers == len(computing) == 26
    # Which of its layers compute signed ones is OpenVINO's choice, by the processor.
    named_for = {"u8", "i8"} if name == "openvino-int8" else {"f32"}
    delivered = [layer for layer in computing if layer.precision in named_for]
    assert built.facts.delivered_layers == len(delivered) >= 20
    for layer in computing:
        assert layer.operators
        assert layer.tactic
        assert set(layer.time_s) == {"1x3x64x64", "1x3x80x80", "3x3x96x112"}
