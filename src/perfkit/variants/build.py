"""Builds one variant, or takes it from the engine store."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.catalog.case import format_shape
from perfkit.errors import reason_of
from perfkit.store.entry import Damaged, Entry
from perfkit.store.key import EngineKey, source_sha256
from perfkit.store.signature import Untrusted
from perfkit.variants.base import StoredVariant
from perfkit.variants.building import BuildResult, build_here, load_built, noting, prove_smallest, release, save_built
from perfkit.variants.graph_replay import GraphReplay
from perfkit.variants.isolated import ENGINE, NotIsolated, build_isolated
from perfkit.variants.precision import count_layers, prove_precision

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.store.engine_store import EngineStore
    from perfkit.variants.base import BuildRequest, Variant


def build_variant(
    variant: Variant, request: BuildRequest, store: EngineStore | None = None, *, rebuild: bool = False
) -> BuildResult:
    """Builds the variant, or loads it from the store where that holds what it would build.

    A stored variant is loaded again after it was built as well: what is measured is always what the store holds, in
    the night that builds it and in those that follow. ``rebuild`` builds anew and leaves the store alone: so builds
    are compared with each other.

    Raises VariantBroken with the reason in one line: the model itself can't serve the profile, no layer runs in the
    precision that the variant is named for, or an isolated build failed; and whatever a build in this process raises.
    """
    if isinstance(variant, GraphReplay):
        plain = build_variant(variant.inner, request, store, rebuild=rebuild)
        return BuildResult(variant.replayed(plain.built), plain.peak_build_bytes)
    with ExitStack() as held:
        if store is None or not isinstance(variant, StoredVariant):
            result, _ = _build(variant, request, store, held)
        elif rebuild:
            result, _ = _build(variant, request, store, held)
            noting(result, "built anew on purpose; the store is as it was")
        else:
            result = _stored(variant, request, store, held)
    count_layers(variant, result.built, request.precision)
    prove_precision(variant, result.built, request.precision)
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


def _build(
    variant: Variant, request: BuildRequest, store: EngineStore | None, held: ExitStack
) -> tuple[BuildResult, Callable[[Path], None] | None]:
    """What was built, and how to save it; the latter is of use until ``held`` closes."""
    with ExitStack() as building:
        if store is not None:
            with suppress(OSError):  # a cache that can't be written is no reason not to build
                building.enter_context(store.building())
        if not isinstance(variant, StoredVariant):
            return build_here(variant, request), None
        prove_smallest(request)
        notes = []
        if variant.isolated:
            folder = Path(held.enter_context(_scratch(store)))
            try:
                return _isolated(variant, request, folder)
            except NotIsolated as error:
                notes.append(f"built in this process, without a time limit: {error}")
        result = noting(build_here(variant, request), *notes)
        return result, partial(save_built, variant, result.built)


def _scratch(store: EngineStore | None) -> tempfile.TemporaryDirectory[str]:
    """What holds a model and its pictures: where a process was killed over it, the store removes it after a day."""
    if store is not None:
        with suppress(OSError):
            return store.scratch()
    return tempfile.TemporaryDirectory(prefix="perfkit-build-")


def _isolated(
    variant: StoredVariant, request: BuildRequest, folder: Path
) -> tuple[BuildResult, Callable[[Path], None]]:
    made = build_isolated(variant, request, folder, request.time_limit_s)
    assert made.facts is not None
    built = load_built(variant, request, folder / ENGINE, made.facts)
    return BuildResult(built, made.peak_build_bytes), partial(_copy, folder / ENGINE)


def _copy(engine: Path, folder: Path) -> None:
    shutil.copytree(engine, folder, dirs_exist_ok=True)


def _stored(variant: StoredVariant, request: BuildRequest, store: EngineStore, held: ExitStack) -> BuildResult:
    try:
        key = key_of(variant, request)
        held.enter_context(store.lock(key))
    except Exception as error:  # a folder that can't be written; torch.export, which raises anything
        result, _ = _build(variant, request, store, held)
        return noting(result, f"not stored: {reason_of(error)}")
    entry, why = _found(store, key)
    if entry is not None:
        try:
            return _loaded(variant, request, entry, from_store=True)
        except Exception as error:  # whatever a library raises that can't load what it wrote
            why = f"the store's entry can't be loaded: {reason_of(error)}"
    result, save = _build(variant, request, store, held)
    assert save is not None
    return noting(_kept(variant, request, result, save, store, key), *([f"built, for {why}"] if why else []))


def _found(store: EngineStore, key: EngineKey) -> tuple[Entry | None, str]:
    """The entry, or why there is none; "" where nothing like it was ever built."""
    try:
        entry = store.find(key)
    except Untrusted as why:
        return None, f"the store's entry isn't trusted: {why}"
    except Damaged as damage:
        return None, f"the store's entry is damaged: {damage}"
    except OSError as error:
        return None, f"the store can't be read: {error.strerror}"
    difference = "" if entry is not None else store.why_missing(key)
    return entry, f"the store's engine is of another key: {difference}" if difference else ""


def _kept(
    variant: StoredVariant,
    request: BuildRequest,
    result: BuildResult,
    save: Callable[[Path], None],
    store: EngineStore,
    key: EngineKey,
) -> BuildResult:
    """What was built, put into the store and loaded from it."""
    try:
        entry = store.put(key, result.built.facts, result.peak_build_bytes, save)
    except Exception as error:  # a full disk, or an engine that its library can't save
        return noting(result, f"not stored: {reason_of(error)}")
    try:
        loaded = _loaded(variant, request, entry, from_store=False)
    except Exception as error:  # whatever a library raises that can't load what it wrote
        return noting(result, f"stored, but can't be loaded; measured as it was built: {reason_of(error)}")
    result.built.close()
    release()
    return loaded


def _loaded(variant: StoredVariant, request: BuildRequest, entry: Entry, *, from_store: bool) -> BuildResult:
    started = time.perf_counter()
    built = load_built(variant, request, entry.folder, entry.manifest.facts)
    load_s = time.perf_counter() - started
    of_entry = {"from_store": from_store, "load_s": load_s, "engine_manifest_sha256": entry.manifest_sha256}
    built.facts = built.facts.model_copy(update=of_entry)
    return BuildResult(built, entry.manifest.peak_build_bytes)
