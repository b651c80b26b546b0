from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import MobileNet_V3_Small_Weights, get_model

from perfkit.catalog import models
from perfkit.catalog.images import ImageSet, calibration_images, evaluation_images
from perfkit.catalog.models import LoadedModel, load_model
from perfkit.catalog.own_models import check_models
from perfkit.errors import UserError

CPU = torch.device("cpu")
SHAPE = (1, 3, 64, 64)
SMALL = "mobilenet_v3_small"
CACHED = Path(MobileNet_V3_Small_Weights.IMAGENET1K_V1.url).name


@pytest.fixture(scope="module")
def pictures() -> ImageSet:
    return calibration_images()


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of weights and no network, as on a fresh machine behind a closed door."""

    def closed(*_: object, **__: object) -> NoReturn:
        raise ConnectionRefusedError("no network in tests")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", closed)
    models._network_answers.cache_clear()
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def loaded(name: str, pictures: ImageSet, shape: tuple[int, int, int, int] = SHAPE) -> LoadedModel:
    return load_model(name, pictures, shape, CPU)


def answers(model: LoadedModel, shape: tuple[int, int, int, int] = SHAPE) -> Any:
    (batch,) = evaluation_images().batches(shape, model.preprocessing, 1, CPU)
    with torch.inference_mode():
        return model.module(batch)


def test_without_network_and_cache_weights_are_seeded_and_the_same_every_time(pictures: ImageSet) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = loaded("resnet18", pictures)
    second = loaded("resnet18", pictures)
    assert torch.equal(before, torch.random.get_rng_state())
    assert first.weights.startswith("random, seed 0")
    assert first.weights_sha256 == second.weights_sha256
    assert len(first.weights_sha256) == 64
    torch.testing.assert_close(answers(first), answers(second))


def test_the_hash_tells_what_random_weights_follow_from(pictures: ImageSet) -> None:
    """Model, pictures and shape; not the machine's last bits."""
    hashes = {
        loaded(SMALL, pictures).weights_sha256,
        loaded("squeezenet1_1", pictures).weights_sha256,
        loaded(SMALL, evaluation_images()).weights_sha256,
        loaded(SMALL, pictures, (1, 3, 96, 96)).weights_sha256,
    }
    assert len(hashes) == 4


def test_batch_norm_is_settled_on_pictures(pictures: ImageSet) -> None:
    """Activations of every normalized layer are neither vanishing nor exploding, and the layers rest."""
    model = loaded("resnet18", pictures)
    spreads = []
    for layer in model.module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert not layer.training
            assert layer.momentum == 0.1
            assert layer.running_var is not None
            assert not torch.equal(layer.running_var, torch.ones_like(layer.running_var))
            layer.register_forward_hook(lambda layer, _, out: spreads.append(float(out.std() / layer.weight.mean())))
    outputs = answers(model)
    assert len(spreads) == 20
    assert all(0.2 < spread < 5 for spread in spreads)
    assert torch.isfinite(outputs).all()
    assert float(outputs.std()) > 0
    assert model.classifies


@pytest.mark.case("D01")
def test_a_model_is_ready_to_be_measured(pictures: ImageSet) -> None:
    module = loaded(SMALL, pictures).module
    assert not module.training
    assert all(not parameter.requires_grad and parameter.dtype == torch.float32 for parameter in module.parameters())


def test_pictures_make_different_answers(pictures: ImageSet) -> None:
    """Answers of random weights that don't depend on the picture could not be checked."""
    answer = answers(loaded("mobilenet_v2", pictures), (8, 3, 64, 64))
    alike = torch.corrcoef(answer)[~torch.eye(8, dtype=torch.bool)]
    assert float(alike.max()) < 0.9999


@pytest.mark.case("D01")
@pytest.mark.case("D03")
def test_d01_auxiliary_heads_are_neither_measured_nor_exported(pictures: ImageSet) -> None:
    """In training googlenet answers with a tuple of three."""
    model = loaded("googlenet", pictures)
    assert model.classifies
    output = answers(model)
    assert isinstance(output, Tensor)
    assert output.shape == (1, 1000)
    exported = torch.export.export(model.module, (torch.rand(1, 3, 64, 64),))
    assert len(exported.graph_signature.user_outputs) == 1
    assert not [node for node in exported.graph.nodes if "aux" in str(node.meta.get("nn_module_stack", ""))]


@pytest.mark.case("D03")
def test_a_segmentation_model_gives_one_tensor(pictures: ImageSet) -> None:
    model = loaded("lraspp_mobilenet_v3_large", pictures)
    output = answers(model)
    assert isinstance(output, Tensor)
    assert output.shape == (1, 21, 64, 64)
    assert not model.classifies


@pytest.mark.case("D03")
def test_a_single_shot_detector_gives_its_heads_in_a_fixed_order(pictures: ImageSet) -> None:
    model = loaded("ssdlite320_mobilenet_v3_large", pictures, (1, 3, 320, 320))
    output = answers(model, (1, 3, 320, 320))
    assert isinstance(output, tuple)
    boxes, classes = output
    assert boxes.shape == (1, 3234, 4)
    assert classes.shape == (1, 3234, 91)
    assert not model.classifies


def test_a_vision_transformers_head_is_not_zero(pictures: ImageSet) -> None:
    model = loaded("vit_b_16", pictures, (1, 3, 224, 224))
    output = answers(model, (1, 3, 224, 224))
    assert output.shape == (1, 1000)
    assert float(output.std()) > 0


def test_a_two_stage_detector_is_refused(pictures: ImageSet) -> None:
    with pytest.raises(UserError, match="FasterRCNN has no single-shot heads"):
        loaded("fasterrcnn_mobilenet_v3_large_fpn", pictures)


def test_weights_of_the_hubs_cache_are_used(hub: Path, pictures: ImageSet) -> None:
    """Without a network. The file is found by the published name; the values are our own."""
    torch.manual_seed(7)
    own = get_model(SMALL)
    torch.save(own.state_dict(), hub / CACHED)
    model = loaded(SMALL, pictures)
    assert model.weights == "pretrained MobileNet_V3_Small_Weights.IMAGENET1K_V1"
    torch.testing.assert_close(model.module.state_dict(), own.state_dict(), rtol=0, atol=0)
    assert model.weights_sha256 == loaded(SMALL, evaluation_images()).weights_sha256


def damaged(kind: str) -> bytes:
    if kind == "cut off":
        return b"PK\x03\x04" + b"\0" * 1000
    if kind == "pickle":
        return b"\x80\x04\x95"
    return {"empty": b"", "web page": b"<html>captive portal</html>", "zeros": b"\0" * 1000}[kind]


@pytest.mark.parametrize("kind", ["empty", "cut off", "web page", "zeros", "pickle", "another model"])
def test_a_damaged_cache_is_no_crash(hub: Path, pictures: ImageSet, kind: str) -> None:
    if kind == "another model":
        torch.save(get_model("squeezenet1_1").state_dict(), hub / CACHED)
    else:
        (hub / CACHED).write_bytes(damaged(kind))
    model = loaded(SMALL, pictures)
    assert model.weights.startswith("random, seed 0")
    assert (hub / CACHED).exists()


class _Program:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("unpickled",)


def test_a_program_in_the_hubs_cache_is_not_run(
    hub: Path, pictures: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({**get_model(SMALL).state_dict(), "more": _Program()}, hub / CACHED)
    assert loaded(SMALL, pictures).weights.startswith("random, seed 0")
    assert not (tmp_path / "unpickled").exists()


def test_a_network_that_breaks_off_is_no_crash(pictures: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host answers, the download fails: as behind a proxy that refuses."""
    monkeypatch.setattr(models, "_network_answers", lambda _host: True)
    model = loaded(SMALL, pictures)
    assert model.weights.startswith("random, seed 0")
    assert socket.getdefaulttimeout() is None


def test_the_network_is_asked_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def silent(address: tuple[str, int], **_: object) -> NoReturn:
        asked.append(address)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    assert not models._network_answers("weights.invalid")
    assert not models._network_answers("weights.invalid")
    assert asked == [("weights.invalid", 443)]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("resnet81", "unknown model 'resnet81'; did you mean resnet18"),
        ("mobilenetv2", "unknown model 'mobilenetv2'; did you mean mobilenet_v2"),
        ("", "unknown model ''; known: "),
    ],
)
def test_an_unknown_model_brings_the_nearest(name: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        check_models(["resnet18", name])
    assert str(caught.value).startswith(line)


def test_known_models_pass() -> None:
    check_models(["resnet18", "ViT_B_16", "ssdlite320_mobilenet_v3_large"])
