"""What a model's bench prepares and asks for, and how often."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
import torch

from perfkit.catalog.config import load_config
from perfkit.catalog.images import ImageSet, calibration_images, evaluation_images
from perfkit.catalog.plan import ModelPlan
from perfkit.catalog.profile import ShapeProfile
from perfkit.measure.bench import Batches, ModelBench, Workshop
from perfkit.measure.clock import make_clock
from perfkit.measure.spent import Spent
from perfkit.store.engine_store import EngineStore
from perfkit.variants.registry import load_variant
from tests.variants.requests import CPU, BuiltNumber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from perfkit.catalog.case import Shape
    from perfkit.catalog.images import Preprocessing
    from perfkit.variants.base import BuildRequest, Built

SMALL = (1, 3, 64, 64)
PROFILE = ShapeProfile(min=SMALL, opt=(1, 3, 72, 72), max=(2, 3, 80, 80))


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[Shape]:
    """The shapes of which pictures were prepared."""
    shapes: list[Shape] = []
    real = ImageSet.batches

    def batches(
        self: ImageSet, shape: Shape, preprocessing: Preprocessing, count: int, device: torch.device, *, first: int = 0
    ) -> Iterator[Tensor]:
        shapes.append(shape)
        return real(self, shape, preprocessing, count, device, first=first)

    monkeypatch.setattr(ImageSet, "batches", batches)
    return shapes


def workshop_in(tmp_path: Path) -> Workshop:
    config = load_config(tmp_path)
    return Workshop(
        device=CPU,
        clock=make_clock(CPU),
        calibration=calibration_images(),
        evaluation=evaluation_images(),
        measure=config.measure,
        settings={},
        tf32=True,
        cache=tmp_path,
        store=EngineStore(tmp_path / "cache", 2**30),
        rebuild=False,
        quantization=config.quantization,
        precision=config.precision,
        build_limit_s=60.0,
        spent=Spent(),
        machine={},
        metrics=(),
    )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelBench:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setattr("perfkit.catalog.models._network_answers", lambda _host: False)
    workshop = workshop_in(tmp_path)
    plan = ModelPlan("squeezenet1_1", "squeezenet1_1", PROFILE, PROFILE.shapes(), ("eager-fp32",))
    return ModelBench(workshop, plan, load_variant("eager-fp32"))


def test_the_reference_answers_each_input_once(bench: ModelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def call(images: Tensor) -> Tensor:
        calls.append(images)
        return images.sum((2, 3))

    monkeypatch.setattr(bench.reference.built, "call", call)
    first, second, *_ = bench.inputs(SMALL)
    answers = [bench.answer(images) for images in (first, second, first, second)]
    assert len(calls) == 2
    assert answers[0] is answers[2]
    assert torch.equal(answers[1][0], second.sum((2, 3)))


def test_pictures_to_calibrate_on_are_prepared_by_the_build_that_looks_at_them(
    bench: ModelBench, prepared: list[Shape], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And known by digest without: the key of an engine in the store is the same."""
    asked: list[BuildRequest] = []

    class Calibrating(type(load_variant("eager-fp32"))):  # type: ignore[misc]
        def build(self, request: BuildRequest) -> Built:
            asked.append(request)
            return BuiltNumber(1.0, bench.reference.built.facts)

    bench.build(Calibrating())
    assert prepared == [PROFILE.opt]  # the example that is traced
    (request,) = asked
    shapes = [tuple(batch.shape) for batch in request.calibration]
    assert set(shapes) == set(PROFILE.shapes())
    assert sum(shape[0] for shape in shapes) >= 32
    assert len(prepared) == 1 + len(PROFILE.shapes())
    monkeypatch.setattr("perfkit.measure.bench._MOST_CALIBRATION_IMAGES", 8)
    bench.build(Calibrating())
    assert asked[1].calibration_sha256 != request.calibration_sha256


def test_batches_are_made_when_one_is_asked_for_and_once() -> None:
    made = []

    def make() -> list[torch.Tensor]:
        made.append(1)
        return [torch.ones(1), torch.zeros(2)]

    batches = Batches(make)
    assert made == []
    assert [tuple(batch.shape) for batch in batches] == [(1,), (2,)]
    assert (len(batches), batches[1].tolist(), len(batches[:1])) == (2, [0, 0], 1)
    assert made == [1]


def test_another_process_gets_them_made() -> None:
    batches = pickle.loads(pickle.dumps(Batches(lambda: [torch.ones(1)])))  # noqa: S301 - our own
    assert [batch.tolist() for batch in batches] == [[1]]


def test_each_picture_is_calibrated_on_whatever_the_shapes(bench: ModelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One shape goes on where the one before ended: the same few for each would be a third of them."""
    fed: list[int] = []

    def batches(
        self: ImageSet, shape: Shape, _how: Preprocessing, count: int, _device: torch.device, *, first: int = 0
    ) -> Iterator[Tensor]:
        fed.extend(number % len(self.crops) for number in range(first, first + count * shape[0]))
        return iter([torch.zeros(shape)] * count)

    monkeypatch.setattr(ImageSet, "batches", batches)
    assert len(bench._calibration()) >= len(PROFILE.shapes())
    assert set(fed) == set(range(32))
