"""The registered variants, by name. Listing them imports none of them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from perfkit.catalog.case import Platform
from perfkit.errors import UserError
from perfkit.variants.base import Variant, reason_of
from perfkit.variants.graph_replay import SUFFIX, GraphReplay

GROUP = "perfkit.variants"


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def variant_names() -> list[str]:
    """Every registered name, sorted."""
    return sorted(_entries())


def known_names() -> list[str]:
    """Every name that a suite may use: the registered ones, and those with ``-graph``."""
    return sorted([*_entries(), *(name + SUFFIX for name in _entries())])


def load_variant(name: str) -> Variant:
    """The variant of that name.

    Raises UserError when a registered variant can't be imported or isn't one.
    """
    if name.endswith(SUFFIX) and name not in _entries():
        return GraphReplay(load_variant(name.removesuffix(SUFFIX)))
    entry = _entries()[name]
    try:
        kind = entry.load()
    except Exception as error:  # an add-on's import may raise anything; the line names its entry point
        raise UserError(f"variant {name!r} ({entry.value}) can't be imported: {reason_of(error)}") from error
    if not (isinstance(kind, type) and issubclass(kind, Variant)):
        raise UserError(f"variant {name!r}: {entry.value} is not a subclass of perfkit.variants.base.Variant")
    return kind()


def why_unavailable(variant: Variant, platform: Platform) -> str | None:
    """Why the variant can't run on this machine's platform, in one line; None when it can."""
    if variant.platform not in (None, platform):
        return f"{variant.name} exists on platform {variant.platform} only"
    if platform is Platform.CUDA:
        import torch

        if not torch.cuda.is_available():
            return "no CUDA device is visible to PyTorch"
    return variant.unavailable()
