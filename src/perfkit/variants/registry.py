"""The registered variants, by name. Listing them imports none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.case import GRAPH_SUFFIX, Platform
from perfkit.entry_points import load_subclass, registered
from perfkit.variants.base import Variant
from perfkit.variants.graph_replay import GraphReplay

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "perfkit.variants"


def _entries() -> dict[str, EntryPoint]:
    return registered(GROUP)


def variant_names() -> list[str]:
    """Every registered name, sorted."""
    return sorted(_entries())


def known_names() -> list[str]:
    """Every name that a suite may use: the registered ones, and those with ``-graph``."""
    return sorted([*_entries(), *(name + GRAPH_SUFFIX for name in _entries())])


def load_variant(name: str) -> Variant:
    """The variant of that name.

    Raises UserError when a registered variant can't be imported or isn't one.
    """
    if name.endswith(GRAPH_SUFFIX) and name not in _entries():
        return GraphReplay(load_variant(name.removesuffix(GRAPH_SUFFIX)))
    variant: Variant = load_subclass(_entries()[name], Variant, "variant")()
    return variant


def why_unavailable(variant: Variant, platform: Platform) -> str | None:
    """Why the variant can't run on this machine's platform, in one line; None when it can."""
    if variant.platform not in (None, platform):
        return f"{variant.name} exists on platform {variant.platform} only"
    if platform is Platform.CUDA:
        import torch

        if not torch.cuda.is_available():
            return "no CUDA device is visible to PyTorch"
    return variant.unavailable()
