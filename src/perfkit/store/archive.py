"""Carrying engines to another machine: entries in one tar file, and back."""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import UserError
from perfkit.store.entry import ADMITTED, Damaged, Entry, read_entry
from perfkit.store.signature import Untrusted, admit, check_trusted
from perfkit.untrusted import shown

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from perfkit.store.engine_store import EngineStore
    from perfkit.store.signature import SigningKey

_MEMBER = re.compile(r"(?P<digest>[0-9a-f]{64})/(?P<file>[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99})")
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
_MOST_MEMBERS = 10_000
"""Engines have a handful of files each; a store of thousands of engines is none that anybody carries about."""


def export_entries(entries: Sequence[Entry], path: Path, key: SigningKey | None = None) -> None:
    """Writes verified entries, with signatures, into a new tar file; engines hardly compress, so it isn't compressed.

    ``key`` is the store's. Raises UserError when an entry is damaged or may not be loaded here, or the file is there
    already or can't be written.
    """
    for entry in entries:
        try:
            entry.verify()
            check_trusted(entry, key)
        except Untrusted as why:
            raise UserError(f"{entry.key.what} ({entry.folder.name[:12]}) isn't exported: {why}") from None
        except Damaged as damage:
            raise UserError(
                f"{entry.key.what} ({entry.folder.name[:12]}) is damaged: {damage}; see perfkit engines verify"
            ) from None
    if path.exists():
        raise UserError(f"{path}: exists already; name a new file")
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        try:
            with tarfile.open(temporary, "w") as archive:
                for entry in entries:
                    # That it was imported here vouches for nothing elsewhere.
                    for file in sorted(file for file in entry.folder.iterdir() if file.name != ADMITTED):
                        archive.add(file, f"{entry.folder.name}/{file.name}", recursive=False)
            temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path}: can't be written: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of each entry of an archive."""

    added: list[Entry] = field(default_factory=list)
    known: list[Entry] = field(default_factory=list)
    """The store has this very build."""
    kept: list[Entry] = field(default_factory=list)
    """The store's own, sound entries whose key has another build in the archive: what is measured there stays."""


def import_entries(store: EngineStore, path: Path, named: Container[str] = frozenset()) -> Imported:
    """Adds the entries of a tar file to the store, but those of whose key it has a sound one.

    Each must be signed with the store's key, or the digest of its manifest be among ``named``, those that reviewed
    baselines name. All of them are verified before the first is added. Raises UserError when the file isn't such an
    archive, one of its entries is damaged or nobody vouches for it, or the store can't be written; no entry of the
    file is then added.
    """
    try:
        return _import(store, path, named)
    except OSError as error:
        raise UserError(f"the store can't be written: {error.strerror or error}; nothing was imported") from error


def _import(store: EngineStore, path: Path, named: Container[str]) -> Imported:
    with store.scratch() as scratch:
        folders = _extract(path, Path(scratch))
        entries = []
        for folder in folders:
            try:
                entry = read_entry(folder)
                entry.verify()
            except Damaged as damage:
                raise UserError(f"{path}: {folder.name[:12]} is damaged: {damage}; nothing was imported") from None
            try:
                admit(entry, store.key, named)
            except Untrusted as why:
                raise UserError(f"{path}: {entry.key.what} ({folder.name[:12]}): {why}; nothing was imported") from None
            entries.append(entry)
        done = Imported()
        try:
            for entry in entries:
                with store.lock(entry.key):
                    there = _sound(store, entry)
                    if there is None:
                        done.added.append(store.adopt(entry.folder))
                        done.added[-1].touch()  # or the next put would evict first what was just brought
                    elif there.manifest_sha256 == entry.manifest_sha256:
                        done.known.append(entry)
                    else:
                        done.kept.append(there)
        except OSError:
            for entry in done.added:
                store.remove_if(entry.folder.name, lambda _: True)
            raise
        return done


def _sound(store: EngineStore, entry: Entry) -> Entry | None:
    """What the store has of the key of an entry and would load."""
    try:
        return store.find(entry.key)
    except Damaged:
        return None


def _extract(path: Path, into: Path) -> list[Path]:
    try:
        with tarfile.open(path, "r:") as archive:
            digests = set()
            for count, member in enumerate(archive, start=1):
                digests.add(_digest_of(member, count, path))
                archive.extract(member, into, filter="data")
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror or error}") from error
    except Exception as error:  # of a damaged header tarfile lets through what int, seek or its own recursion raise
        told = str(error) or type(error).__name__
        raise UserError(f"{path}: no archive of perfkit engines export: {told}") from error
    if not digests:
        raise UserError(f"{path}: holds no engine")
    return [into / digest for digest in sorted(digests)]


def _digest_of(member: tarfile.TarInfo, count: int, path: Path) -> str:
    """The entry that a member, the archive's `count`-th, belongs to. Raises UserError for one that belongs to none."""
    match = _MEMBER.fullmatch(member.name)
    # A sparse file is as large as its header says, whatever the size of the archive; a size below nothing leads back.
    is_plain = member.type in _PLAIN and not member.issparse() and member.size >= 0
    if match is None or not is_plain or match["file"] == ADMITTED:
        raise UserError(f"{path}: holds {shown(member.name)}, which is no part of an engine; nothing was imported")
    if count > _MOST_MEMBERS:
        raise UserError(f"{path}: holds more than {_MOST_MEMBERS} files; nothing was imported")
    return match["digest"]
