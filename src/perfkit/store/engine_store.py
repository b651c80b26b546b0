"""The store itself: find, put, forget; a lock a key, atomic writes, least recently used out first."""

from __future__ import annotations

import contextlib
import operator
import os
import shutil
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from perfkit.record.dates import now
from perfkit.store.entry import (
    ADMITTED,
    MANIFEST,
    SIGNATURE,
    Damaged,
    Entry,
    Manifest,
    describe_files,
    manifest_text,
    read_entry,
)
from perfkit.store.signature import check_trusted, write_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from perfkit.record.facts import BuildFacts
    from perfkit.store.key import EngineKey
    from perfkit.store.signature import SigningKey

_CACHE_VARIABLE = "PERFKIT_CACHE"
_DIGEST_DIGITS = 64
_SCRATCH = ".scratch-"
_ABANDONED_S = 24 * 3600
_LOOK_AGAIN_S = 2.0


def cache_folder(root: Path) -> Path:
    """Where timing caches and engines outlive a run: what ``PERFKIT_CACHE`` names, or ``.perfkit`` in the project."""
    # A runner that cleans its checkout keeps them elsewhere: without them every build takes minutes.
    return Path(os.environ.get(_CACHE_VARIABLE) or root / ".perfkit")


class EngineStore:
    """Entries below ``folder``, one folder each, named by the digest of its key.

    Nothing is ever read from an entry that doesn't verify, or that nobody vouches for. A put replaces the whole entry
    or nothing. Engines are loaded by the libraries that wrote them, some of which unpickle: an entry is as trusted as
    installed code. With a ``key`` only entries that are signed with it are, and what is put is signed.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        key: SigningKey | None = None,
        still_waits: Callable[[], None] = lambda: None,
    ) -> None:
        """``still_waits`` is called every few seconds while another process builds: who waits doesn't hang."""
        self.key = key
        self._still_waits = still_waits
        self._entries = folder / "engines"
        self._locks = folder / "locks"
        self.max_bytes = max_bytes

    def lock(self, key: EngineKey) -> AbstractContextManager[None]:
        """Held while an engine is looked for and built: of two runs that want it, one builds and the other waits.

        Raises OSError where the folder can't be written.
        """
        return self._waited_for(key.digest)

    def building(self) -> AbstractContextManager[None]:
        """Held while anything is built: builders time kernels, and two at once stall and mislead each other.

        Raises OSError where the folder can't be written.
        """
        return self._waited_for("build")

    def find(self, key: EngineKey) -> Entry | None:
        """The verified entry of a key, marked as used now; None where there is none.

        Raises Damaged for one that must not be loaded.
        """
        folder = self._entries / key.digest
        if not folder.is_dir():
            return None
        entry = read_entry(folder)
        entry.verify()
        check_trusted(entry, self.key)
        entry.touch()
        return entry

    def put(
        self, key: EngineKey, facts: BuildFacts, peak_build_bytes: int | None, save: Callable[[Path], None]
    ) -> Entry:
        """Stores what ``save`` writes into the folder that it is given, replacing an entry of the same key.

        The entry appears whole or not at all. Others are then evicted, least recently used first, until the store
        is within its limit; the new entry stays. Raises OSError where it can't be written, ValueError when ``save``
        wrote nothing fit to be stored, and whatever ``save`` raises.
        """
        with self.scratch() as scratch:
            new = Path(scratch, key.digest)
            new.mkdir()
            save(new)
            manifest = Manifest(
                key=key,
                files=describe_files(new),
                facts=facts,
                peak_build_bytes=peak_build_bytes,
                created=now(),
            )
            (new / MANIFEST).write_text(manifest_text(manifest), encoding="ascii")
            if self.key is not None:
                write_signature(new, read_entry(new).manifest_sha256, self.key)
            _flush(new)
            entry = self.adopt(new)
        self.evict(keep=key.digest)
        return entry

    def adopt(self, new: Path) -> Entry:
        """Moves a whole, verified folder, named by its digest and on this file system, into its place."""
        place = self._entries / new.name
        if place.exists():
            # A folder can't be replaced in one step. A crash between the two leaves no entry, never half of one.
            with self.scratch() as old:
                place.rename(Path(old, new.name))
        new.rename(place)
        return read_entry(place)

    def sign(self, entry: Entry, key: SigningKey) -> None:
        """Signs an entry of the store as it is now, whoever vouched for it before.

        Raises Damaged for one that doesn't verify, and OSError where it can't be written.
        """
        with self.lock(entry.key), self.scratch() as scratch:
            now = read_entry(entry.folder)
            now.verify()
            write_signature(Path(scratch), now.manifest_sha256, key)
            Path(scratch, SIGNATURE).replace(entry.folder / SIGNATURE)
            (entry.folder / ADMITTED).unlink(missing_ok=True)

    def remove_if(self, digest: str, unwanted: Callable[[Entry | Damaged], bool]) -> bool:
        """Forgets an entry if it is still unwanted once its lock is held; what another process works on stays."""
        try:
            with self._file_lock(digest, timeout_s=0):
                if not unwanted(self._read(digest)):
                    return False
                shutil.rmtree(self._entries / digest, ignore_errors=True)
                return not (self._entries / digest).exists()
        except Timeout:
            return False

    def entries(self) -> list[tuple[str, Entry | Damaged]]:
        """Every entry with its digest, last used first; files unchecked, those without a sound manifest last."""
        found = [(folder.name, self._read(folder.name)) for folder in self._folders()]
        return sorted(found, key=lambda item: (-_last_used_s(item[1]), item[0]))

    def scratch(self) -> tempfile.TemporaryDirectory[str]:
        """A folder on the store's own file system, so that a rename out of it is one step; gone after its ``with``."""
        self._entries.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=self._entries, prefix=_SCRATCH, ignore_cleanup_errors=True)

    def evict(self, keep: str = "") -> list[Entry]:
        """Removes the least recently used entries until the sound ones fit the limit; returns what went.

        ``keep`` stays, and so does what another process holds the lock of or has used since. What a process that was
        killed left half-written goes after a day.
        """
        self._sweep()
        entries = [entry for _, entry in self.entries() if isinstance(entry, Entry)]
        total_bytes = sum(entry.size_bytes for entry in entries)
        gone = []
        for entry in reversed(entries):
            if total_bytes <= self.max_bytes:
                break
            if entry.folder.name == keep:
                continue
            # What was used since it was listed is another entry by now: its time is part of it.
            if self.remove_if(entry.folder.name, partial(operator.eq, entry)):
                total_bytes -= entry.size_bytes
                gone.append(entry)
        return gone

    def why_missing(self, key: EngineKey) -> str:
        """Why a key has no entry, against the most alike one of the same model and variant; "" where there is none."""
        alike: list[list[str]] = [
            key.differences(entry.key)
            for _, entry in self.entries()
            if isinstance(entry, Entry) and key.same_purpose(entry.key)
        ]
        if not alike:
            return ""
        closest = min(alike, key=len)
        return ", ".join(closest)

    def _read(self, digest: str) -> Entry | Damaged:
        try:
            return read_entry(self._entries / digest)
        except Damaged as damage:
            return damage

    def _sweep(self) -> None:
        if not self._entries.is_dir():
            return
        for folder in self._entries.glob(f"{_SCRATCH}*"):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > _ABANDONED_S:
                    shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        if not self._entries.is_dir():
            return []
        return sorted(path for path in self._entries.iterdir() if path.is_dir() and len(path.name) == _DIGEST_DIGITS)

    @contextlib.contextmanager
    def _waited_for(self, name: str) -> Iterator[None]:
        lock = self._file_lock(name, _LOOK_AGAIN_S)
        while True:
            with contextlib.suppress(Timeout):
                lock.acquire()
                break
            self._still_waits()
        try:
            yield
        finally:
            lock.release()

    def _file_lock(self, name: str, timeout_s: float) -> FileLock:
        self._locks.mkdir(parents=True, exist_ok=True)
        return FileLock(self._locks / f"{name}.lock", timeout=timeout_s)


def _last_used_s(entry: Entry | Damaged) -> float:
    return entry.last_used_s if isinstance(entry, Entry) else 0.0


def _flush(folder: Path) -> None:
    # Without this a crash of the machine may leave names without their bytes; checksums would tell, at the price of
    # a rebuild.
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
