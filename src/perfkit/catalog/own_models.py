"""Models of other packages: the entry-point group ``perfkit.models``, registered with torchvision when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.config import unknown_name
from perfkit.entry_points import load, registered
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

GROUP = "perfkit.models"


def _entries() -> dict[str, EntryPoint]:
    return {name.lower(): entry for name, entry in registered(GROUP).items()}


def own_model_names() -> list[str]:
    """What other packages bring, sorted; imports none of them."""
    return sorted(_entries())


def check_models(names: Iterable[str]) -> None:
    """Registers those of the models that other packages bring, so that ``torchvision.models.get_model`` knows them.

    Imports torch, and of the packages only what the names need. Raises UserError for a name that is known nowhere, with
    the nearest ones, and for an entry point that can't be imported, is no builder or takes a name of torchvision's.
    """
    from torchvision.models import list_models

    for name in dict.fromkeys(name.lower() for name in names):
        if name in _entries():
            _register(name, _entries()[name])
        known = [*list_models(), *_entries()]
        if name not in known:
            raise UserError(unknown_name("model", name, known))


def _register(name: str, entry: EntryPoint) -> None:
    from torchvision.models import get_model_builder, list_models
    from torchvision.models._api import register_model  # torchvision offers it in no other place

    where = f"model {name!r} ({entry.value})"
    builder = load(entry, "model")  # its module may register it by itself
    if not callable(builder):
        raise UserError(f"{where} is no function that builds a model")
    if name not in list_models():
        register_model(name)(builder)
    elif get_model_builder(name) is not builder:
        raise UserError(f"{where}: torchvision has another model of that name; choose another")
