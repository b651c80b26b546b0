"""Engines and timing caches on their way from one host to another of the same hardware, so that each is made once.

An engine travels with the manifest that names every file of it, and is verified before the store has it; a timing
cache with a checksum. Neither replaces what is there: a host measures the engine that it has. Its sender vouches for
an engine (`store.signature`): who may send parcels to an actor may run anything there, for that is what Ray is.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.catalog.config import load_config
from perfkit.errors import UserError
from perfkit.store.archive import export_entries, import_entries
from perfkit.store.engine_store import EngineStore, cache_folder
from perfkit.store.entry import Entry
from perfkit.store.signature import signing_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TIMING = "timing"
"""Below the cache: TensorRT's own file for each GPU model and version."""


@dataclass(frozen=True)
class Parcel:
    """What one host sends."""

    engines: bytes = b""
    """An archive as ``perfkit engines export`` writes it; empty without engines."""
    manifests: frozenset[str] = frozenset()
    """The SHA-256 of the manifest of each engine in it."""
    timing: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)
    """By file name its SHA-256 and what it holds."""


def used_since(root: Path, before_s: Mapping[str, float]) -> tuple[str, ...]:
    """The entries that were loaded or made since `last_used_s` was asked, by their digests."""
    return tuple(sorted(name for name, at_s in last_used_s(root).items() if at_s != before_s.get(name)))


def last_used_s(root: Path) -> dict[str, float]:
    """Of every sound entry of a project's store when it was last loaded or written, in seconds since 1970."""
    return {name: entry.last_used_s for name, entry in _store(root).entries() if isinstance(entry, Entry)}


def pack(root: Path, digests: Sequence[str]) -> Parcel:
    """These entries, as far as they are there and sound, and all timing caches."""
    store = _store(root)
    wanted = [entry for name, entry in store.entries() if name in digests and isinstance(entry, Entry)]
    engines = b""
    if wanted:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "engines.tar"
            export_entries(wanted, path, store.key)
            engines = path.read_bytes()
    files = sorted((cache_folder(root) / _TIMING).glob("*.bin"))
    held = {file.name: file.read_bytes() for file in files}
    manifests = frozenset(entry.manifest_sha256 for entry in wanted)
    return Parcel(engines, manifests, {name: (hashlib.sha256(raw).hexdigest(), raw) for name, raw in held.items()})


def unpack(parcel: Parcel, root: Path) -> None:
    """Adds what isn't there yet.

    Raises UserError for anything that doesn't verify; nothing of the parcel's engines is added then.
    """
    for name, (sha256, raw) in parcel.timing.items():
        if Path(name).name != name or hashlib.sha256(raw).hexdigest() != sha256:
            raise UserError(f"timing cache {name!r}: damaged on its way from another host")
        _add_timing_cache(cache_folder(root) / _TIMING / name, raw)
    if not parcel.engines:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "engines.tar"
        path.write_bytes(parcel.engines)
        import_entries(_store(root), path, parcel.manifests)


def _add_timing_cache(place: Path, raw: bytes) -> None:
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        new = Path(folder) / place.name
        new.write_bytes(raw)  # with the usual rights: others share the cache
        new.replace(place)


def _store(root: Path) -> EngineStore:
    return EngineStore(cache_folder(root), load_config(root).store.max_bytes, signing_key())
