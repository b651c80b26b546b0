"""Builds one variant, or takes it from the engine store: warnings kept as notes, peak memory noted."""

from __future__ import annotations

import gc
import time
import warnings
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from perfkit.catalog.case import Platform, format_shape
from perfkit.store.entry import Damaged, Entry
from perfkit.store.key import EngineKey, source_sha256
from perfkit.variants.base import PrecisionNotDelivered, StoredVariant, reason_of

if TYPE_CHECKING:
    from perfkit.store.engine_store import EngineStore
    from perfkit.variants.base import BuildRequest, Built, Variant

_MAX_NOTES = 10
_LONGEST_NOTE = 200


@dataclass(frozen=True)
class BuildResult:
    """A variant ready to be called, and the peak device memory of the build that made it."""

    built: Built
    peak_build_bytes: int | None


def build_variant(
    variant: Variant, request: BuildRequest, store: EngineStore | None = None, *, rebuild: bool = False
) -> BuildResult:
    """Builds the variant, or loads it from the store where that holds what it would build.

    A stored variant is loaded again after it was built as well: what is measured is always what the store holds, in
    the night that builds it and in those that follow. ``rebuild`` builds anew and leaves the store alone: so builds
    are compared with each other.

    What the backend warns about goes into the facts' notes: a warning is how some of them say that they returned
    the original model. Warnings for the backend's own developers (deprecations, unclosed files) are left out.

    Raises PrecisionNotDelivered when no layer runs in the precision that the variant is named for, and whatever the
    backend raises.
    """
    if store is None or not isinstance(variant, StoredVariant):
        result = _build(variant, request, store)
    elif rebuild:
        note = "built anew on purpose (--rebuild); the store is as it was"
        result = _noting(_build(variant, request, store), note)
    else:
        result = _stored(variant, request, store)
    _prove_precision(variant, result.built)
    return result


def key_of(variant: StoredVariant, request: BuildRequest) -> EngineKey:
    """Everything that shapes the variant's engine.

    Raises what torch.export raises for a model that has no graph.
    """
    import torchvision

    from perfkit.catalog import images, models
    from perfkit.variants._export import graph_sha256

    profile = request.profile
    return EngineKey(
        parts={
            **request.machine,
            **variant.key_parts(request),
            # Random weights are known by what they follow from, and that is code of ours and of torchvision's.
            "torchvision": torchvision.__version__,
            "models_sha256": source_sha256(models, images),
            "variant": variant.name,
            "model": request.label,
            "weights_sha256": request.weights_sha256,
            "graph_sha256": graph_sha256(request.model, profile),
            "profile": "..".join(format_shape(shape) for shape in (profile.min, profile.opt, profile.max)),
        }
    )


def release() -> None:
    """Gives freed memory back to the device, so that the next model starts where this one did."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def _build(variant: Variant, request: BuildRequest, store: EngineStore | None) -> BuildResult:
    cuda = request.device.type == Platform.CUDA
    with ExitStack() as held, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if store is not None:
            with suppress(OSError):  # a cache that can't be written is no reason not to build
                held.enter_context(store.building())
        if cuda:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        built = variant.build(request)
        if cuda:
            torch.cuda.synchronize()
    result = BuildResult(built, torch.cuda.max_memory_allocated() if cuda else None)
    return _noting(result, *_said(caught)[:_MAX_NOTES])


def _prove_precision(variant: Variant, built: Built) -> None:
    """A builder may choose float32 for every layer of an "FP16" engine, and says nothing of it."""
    formats = built.facts.layer_formats
    if not formats or not variant.precision_formats:
        return
    delivered = sum(
        count for name, count in formats.items() if any(part in name.lower() for part in variant.precision_formats)
    )
    if not delivered:
        total, wanted = sum(formats.values()), " or ".join(variant.precision_formats)
        built.close()
        raise PrecisionNotDelivered(
            f"precision not delivered: 0 of {total} layer outputs are {wanted} ({', '.join(sorted(formats))})"
        )


def _said(caught: list[warnings.WarningMessage]) -> list[str]:
    """What concerns the user, once each."""
    return list(
        dict.fromkeys(
            _first_line(str(warning.message))
            for warning in caught
            if not issubclass(warning.category, (ResourceWarning, DeprecationWarning, FutureWarning))
        )
    )


def _stored(variant: StoredVariant, request: BuildRequest, store: EngineStore) -> BuildResult:
    with ExitStack() as held:
        try:
            key = key_of(variant, request)
            held.enter_context(store.lock(key))
        except Exception as error:  # a folder that can't be written; torch.export, which raises anything
            return _noting(_build(variant, request, store), f"not stored: {reason_of(error)}")
        entry, why = _found(store, key)
        if entry is not None:
            try:
                return _loaded(variant, request, entry, from_store=True)
            except Exception as error:  # whatever a library raises that can't load what it wrote
                why = f"the store's entry can't be loaded: {reason_of(error)}"
        notes = [f"built, for {why}"] if why else []
        result = _build(variant, request, store)
        return _noting(_kept(variant, request, result, store, key), *notes)


def _found(store: EngineStore, key: EngineKey) -> tuple[Entry | None, str]:
    """The entry, or why there is none; "" where nothing like it was ever built."""
    try:
        entry = store.find(key)
    except Damaged as damage:
        return None, f"the store's entry is damaged: {damage}"
    except OSError as error:
        return None, f"the store can't be read: {error.strerror}"
    difference = "" if entry is not None else store.why_missing(key)
    return entry, f"the store's engine is of another key: {difference}" if difference else ""


def _kept(
    variant: StoredVariant, request: BuildRequest, result: BuildResult, store: EngineStore, key: EngineKey
) -> BuildResult:
    """What was built, put into the store and loaded from it."""
    built = result.built
    try:
        entry = store.put(key, built.facts, result.peak_build_bytes, lambda folder: variant.save(built, folder))
        loaded = _loaded(variant, request, entry, from_store=False)
    except Exception as error:  # a full disk, or an engine that its library can't save or load
        return _noting(result, f"not stored: {reason_of(error)}")
    built.close()
    release()
    return loaded


def _loaded(variant: StoredVariant, request: BuildRequest, entry: Entry, *, from_store: bool) -> BuildResult:
    started = time.perf_counter()
    built = variant.load(request, entry.folder, entry.manifest.facts)
    load_s = time.perf_counter() - started
    built.facts = built.facts.model_copy(update={"from_store": from_store, "load_s": load_s})
    return BuildResult(built, entry.manifest.peak_build_bytes)


def _noting(result: BuildResult, *notes: str) -> BuildResult:
    facts = result.built.facts
    result.built.facts = facts.model_copy(update={"notes": [*facts.notes, *(_first_line(note) for note in notes)]})
    return result


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "(empty warning)"
    return line if len(line) <= _LONGEST_NOTE else line[: _LONGEST_NOTE - 3] + "..."
