"""Building one variant in this process: what it warned of is kept as notes, peak device memory is noted."""

from __future__ import annotations

import gc
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from perfkit.catalog.case import Platform, format_shape
from perfkit.credentials import without_credentials
from perfkit.errors import reason_of
from perfkit.record.layers import read_layers, write_layers
from perfkit.variants.base import StoredVariant, VariantBroken

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.catalog.case import Shape
    from perfkit.record.facts import BuildFacts
    from perfkit.variants.base import BuildRequest, Built, Variant

_MAX_NOTES = 10
_LONGEST_NOTE = 200


@dataclass(frozen=True)
class BuildResult:
    """A variant ready to be called, and the peak device memory of the build that made it."""

    built: Built
    peak_build_bytes: int | None
    cold_calls_s: dict[Shape, float] = field(default_factory=dict)
    """Seconds of the first call at each shape, once it was made."""


def prove_smallest(request: BuildRequest) -> None:
    """The model itself answers at the profile's smallest shape: no builder's error is to say that it doesn't.

    Raises VariantBroken with the reason in one line.
    """
    smallest = request.profile.min
    found = [batch for batch in request.calibration if tuple(batch.shape[1:]) == smallest[1:]]
    pictures = found[0] if found else functional.interpolate(request.example, size=smallest[2:])
    try:
        with torch.inference_mode():
            request.model(pictures[: smallest[0]])
    except Exception as error:  # a model raises anything
        shape = format_shape(smallest)
        raise VariantBroken(f"the model can't serve {shape}, its profile's smallest: {reason_of(error)}") from error


def build_here(variant: Variant, request: BuildRequest) -> BuildResult:
    """Builds, whatever the variant raises comes through.

    What the backend warns about goes into the facts' notes: a warning is how some of them say that they returned
    the original model. Warnings for the backend's own developers (deprecations, unclosed files) are left out.
    """
    cuda = request.device.type == Platform.CUDA
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if cuda:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        built = variant.build(request)
        if cuda:
            torch.cuda.synchronize()
        peak_bytes = torch.cuda.max_memory_allocated() if cuda else None
    result = BuildResult(built, peak_bytes)
    return noting(result, *_said(caught)[:_MAX_NOTES])


def save_built(variant: StoredVariant, built: Built, folder: Path) -> None:
    """Writes the engine as the variant does, and beside it what is known of its layers."""
    variant.save(built, folder)
    if built.layers is not None:
        write_layers(built.layers, folder)


def load_built(variant: StoredVariant, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
    """What :func:`save_built` wrote."""
    built = variant.load(request, folder, facts)
    built.layers = read_layers(folder)
    return built


def noting(result: BuildResult, *notes: str) -> BuildResult:
    """The result with notes added to its facts, the first line of each."""
    facts = result.built.facts
    result.built.facts = facts.model_copy(update={"notes": [*facts.notes, *(_first_line(note) for note in notes)]})
    return result


def release() -> None:
    """Gives freed memory back to the device, so that the next model starts where this one did."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def _said(caught: list[warnings.WarningMessage]) -> list[str]:
    """What concerns the user, once each."""
    return list(
        dict.fromkeys(
            _first_line(str(warning.message))
            for warning in caught
            if not issubclass(warning.category, (ResourceWarning, DeprecationWarning, FutureWarning))
        )
    )


def _first_line(text: str) -> str:
    line = without_credentials(text.strip().splitlines()[0]) if text.strip() else "(empty warning)"
    return line if len(line) <= _LONGEST_NOTE else line[: _LONGEST_NOTE - 3] + "..."
