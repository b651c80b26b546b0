"""Builds one variant: warnings kept as notes, peak device memory noted, failures turned into a reason."""

from __future__ import annotations

import gc
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from perfkit.catalog.case import Platform

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built, Variant

_MAX_NOTES = 10
_LONGEST_NOTE = 200


@dataclass(frozen=True)
class BuildResult:
    """A built variant and what building it took."""

    built: Built
    peak_build_bytes: int | None


def build_variant(variant: Variant, request: BuildRequest) -> BuildResult:
    """Builds the variant.

    What the backend warns about goes into the facts' notes: a warning is how some of them say that they returned
    the original model. Warnings for the backend's own developers (deprecations, unclosed files) are left out.

    Raises whatever the backend raises.
    """
    cuda = request.device.type == Platform.CUDA
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        built = variant.build(request)
    if cuda:
        torch.cuda.synchronize()
    notes = list(
        dict.fromkeys(
            _first_line(str(warning.message))
            for warning in caught
            if not issubclass(warning.category, (ResourceWarning, DeprecationWarning, FutureWarning))
        )
    )
    built.facts = built.facts.model_copy(update={"notes": built.facts.notes + notes[:_MAX_NOTES]})
    return BuildResult(built, torch.cuda.max_memory_allocated() if cuda else None)


def release() -> None:
    """Gives freed memory back to the device, so that the next model starts where this one did."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "(empty warning)"
    return line if len(line) <= _LONGEST_NOTE else line[: _LONGEST_NOTE - 3] + "..."
