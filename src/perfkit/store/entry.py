"""One entry of the store: a folder with the engine's files and a manifest that vouches for them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from perfkit.errors import UserError
from perfkit.record.facts import BuildFacts
from perfkit.record.json_file import describe, parse_json_object
from perfkit.record.model import Model
from perfkit.store.key import EngineKey
from perfkit.untrusted import read_file

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
SIGNATURE, ADMITTED = "signature.json", "imported.json"
"""Who vouches for the manifest, see ``signature.py``; an entry has one of them or none."""
_OF_THE_STORE = frozenset({MANIFEST, SIGNATURE, ADMITTED})
_CHUNK_BYTES = 2**20


class Damaged(Exception):
    """An entry that must not be loaded; the message is the reason in one line."""


class StoredFile(Model):
    """A file of an entry, beside its manifest."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*$", max_length=100)
    size_bytes: int = Field(ge=0)
    sha256: str


class Manifest(Model):
    """What an entry is: its key, its files and the facts of the build that made it."""

    schema_version: Literal[1] = 1
    key: EngineKey
    files: list[StoredFile] = Field(min_length=1)
    facts: BuildFacts
    peak_build_bytes: int | None = None
    created: str


@dataclass(frozen=True)
class Entry:
    """An entry whose manifest was read; its files are checked by :meth:`verify`."""

    folder: Path
    manifest: Manifest
    manifest_sha256: str
    """Of the bytes that ``manifest`` was read from: through its checksums it stands for every file."""
    last_used_s: float
    """When it was last loaded or written, in seconds since the epoch: the manifest's own modification time."""

    @property
    def key(self) -> EngineKey:
        """What the entry holds an engine for."""
        return self.manifest.key

    @property
    def size_bytes(self) -> int:
        """The size of the files, without the manifest."""
        return sum(file.size_bytes for file in self.manifest.files)

    def touch(self) -> None:
        """Marks the entry as used now, where that may be written: another user's engine is as good to load."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / MANIFEST)

    def verify(self) -> None:
        """Reads every file and compares it with the manifest.

        Raises Damaged, naming the file and what is wrong with it; a file that the manifest doesn't name is wrong too.
        """
        try:
            names = {path.name for path in self.folder.iterdir()}
        except OSError as error:
            raise Damaged(f"its folder can't be read: {error.strerror}") from None
        for name in sorted(names - _OF_THE_STORE - {file.name for file in self.manifest.files}):
            raise Damaged(f"the manifest doesn't vouch for {name}")
        for file in self.manifest.files:
            path = self.folder / file.name
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise Damaged(f"{file.name} is no plain file")
            try:
                size_bytes = path.stat().st_size
                if size_bytes != file.size_bytes:
                    raise Damaged(f"{file.name} has {size_bytes} bytes instead of {file.size_bytes}")
                if file_sha256(path) != file.sha256:
                    raise Damaged(f"the checksum of {file.name} differs")
            except OSError as error:
                raise Damaged(f"{file.name} can't be read: {error.strerror}") from None


def read_entry(folder: Path) -> Entry:
    """The entry in a folder, files unchecked.

    Raises Damaged when the manifest can't be read, is of another schema, or belongs under another name: a key whose
    digest isn't the folder's was copied there or edited.
    """
    path = folder / MANIFEST
    try:
        # Once: what is signed must be what is believed.
        raw = read_file(path, too_large="no manifest of an engine's")
        data = parse_json_object(raw, str(path))
        last_used_s = path.stat().st_mtime
    except UserError as error:
        raise Damaged(str(error).removeprefix(f"{folder}{os.sep}")) from None
    except OSError as error:  # removed or replaced by another process just now
        raise Damaged(f"{MANIFEST} can't be read: {error.strerror}") from None
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        raise Damaged(f"{MANIFEST}: {describe(error)}") from None
    if manifest.key.digest != folder.name:
        raise Damaged(f"it was made for another key ({manifest.key.what}, {manifest.key.digest[:12]})")
    return Entry(folder, manifest, hashlib.sha256(raw).hexdigest(), last_used_s)


def describe_files(folder: Path) -> list[StoredFile]:
    """Every file in a folder that is about to become an entry, sorted by name.

    Raises ValueError when it is empty or holds anything but plain files, or one by a name that the store uses itself.
    """
    files = []
    for path in sorted(folder.iterdir()):
        if path.name in _OF_THE_STORE:
            raise ValueError(f"{path.name}: the store has a file of that name itself")
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"{path.name}: an entry holds plain files only")
        files.append(StoredFile(name=path.name, size_bytes=path.stat().st_size, sha256=file_sha256(path)))
    if not files:
        raise ValueError("the variant saved no file")
    return files


def manifest_text(manifest: Manifest) -> str:
    """The manifest as strict JSON."""
    return json.dumps(manifest.model_dump(mode="json"), allow_nan=False, indent=2) + "\n"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
