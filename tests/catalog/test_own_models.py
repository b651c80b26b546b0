from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import Weights, WeightsEnum, get_model, list_models
from torchvision.models._api import BUILTIN_MODELS
from torchvision.transforms.v2 import Identity

from perfkit.catalog import own_models
from perfkit.catalog.images import calibration_images
from perfkit.catalog.models import load_model
from perfkit.catalog.own_models import check_models
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NET = "perfkit_test_net"
SHAPE = (1, 3, 16, 16)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.layer(images).mean((2, 3))
        return found


def net(*, weights: None = None, progress: bool = True) -> Net:
    assert weights is None
    assert progress in (True, False)
    return Net()


no_builder = "a text"


@pytest.fixture(autouse=True)
def _torchvision_as_it_was() -> Iterator[None]:
    before = dict(BUILTIN_MODELS)
    yield
    BUILTIN_MODELS.clear()
    BUILTIN_MODELS.update(before)


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    def register(name: str, value: str) -> None:
        points = {name: EntryPoint(name, value, own_models.GROUP)}
        monkeypatch.setattr(own_models, "_entries", lambda: points)

    return register


def test_a_model_of_another_package_is_registered_and_loaded(entries: Callable[[str, str], None]) -> None:
    entries(NET, f"{__name__}:net")
    assert NET not in list_models()
    check_models([NET, "resnet18", NET.upper()])
    check_models([NET])  # a second run in the process
    assert isinstance(get_model(NET), Net)
    loaded = load_model(NET, calibration_images(), SHAPE, torch.device("cpu"))
    assert loaded.weights.startswith("random, seed 0")
    assert loaded.classifies


def test_what_the_names_do_not_need_is_not_imported(entries: Callable[[str, str], None]) -> None:
    entries("broken_net", "perfkit.nowhere:net")
    check_models(["resnet18"])
    with pytest.raises(UserError, match=r"'broken_net' \(perfkit.nowhere:net\) can't be imported: ModuleNotFoundError"):
        check_models(["broken_net"])


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        (NET, f"{__name__}:no_builder", "is no function that builds a model"),
        ("resnet18", f"{__name__}:net", "torchvision has another model of that name"),
    ],
)
def test_an_entry_point_that_does_not_fit_is_named(
    entries: Callable[[str, str], None], name: str, value: str, why: str
) -> None:
    entries(name, value)
    with pytest.raises(UserError, match=why):
        check_models([name])


def test_nearest_names_know_the_others_packages(entries: Callable[[str, str], None]) -> None:
    entries(NET, f"{__name__}:net")
    with pytest.raises(UserError, match=f"did you mean .*{NET}"):
        check_models(["perfkit_test_nett"])


@pytest.mark.parametrize("postponed", [False, True])
def test_trained_weights_come_from_a_file(
    entries: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postponed: bool
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    trained = Net()
    torch.save(trained.state_dict(), tmp_path / "net.pth")

    class NetWeights(WeightsEnum):  # type: ignore[misc] # torchvision is untyped
        OURS = Weights(url=(tmp_path / "net.pth").as_uri(), transforms=Identity, meta={})
        DEFAULT = OURS

    def net_with_weights(*, weights: NetWeights | None = None, progress: bool = True) -> Net:
        module = Net()
        if weights is not None:
            module.load_state_dict(weights.get_state_dict(progress=progress))
        return module

    # As modules have it with and without postponed annotations.
    net_with_weights.__annotations__["weights"] = "NetWeights | None" if postponed else NetWeights | None
    monkeypatch.setitem(globals(), "NetWeights", NetWeights)
    monkeypatch.setitem(globals(), "net_with_weights", net_with_weights)
    entries(NET, f"{__name__}:net_with_weights")
    check_models([NET])
    loaded: Any = load_model(NET, calibration_images(), SHAPE, torch.device("cpu"))
    assert loaded.weights == "pretrained NetWeights.OURS"
    torch.testing.assert_close(loaded.module.layer.weight, trained.layer.weight.detach())
