"""A file that only grows: one strict JSON line a record, with a checksum, on the disk before the writer goes on.

Cut off anywhere it has lost its last record at most; a line that is damaged loses what stood in it alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError
from perfkit.record.write import flush_folder
from perfkit.untrusted import TOO_LARGE_RUN, check_size, encodable, parse_json, read_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perfkit.record.model import Model

_DIGITS = 16


class JournalFile:
    """Open for appending; one process at a time writes."""

    def __init__(self, path: Path) -> None:
        """Makes the file and its folder where they aren't there.

        What a writer that died left of a line is ended by a new line, so that it stays alone. Raises UserError where
        the file can't be written.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            if is_new:
                flush_folder(path.parent)
            size_bytes = os.fstat(self._descriptor).st_size
            if size_bytes and os.pread(self._descriptor, 1, size_bytes - 1) != b"\n":
                os.write(self._descriptor, b"\n")
        except OSError as error:
            raise self._cannot_be_written(error) from error

    def append(self, data: dict[str, Any]) -> None:
        """Adds a record; it is on the disk when this returns.

        Raises ValueError or TypeError for what is no strict JSON, and UserError where it can't be written, on a full
        disk for instance or beyond what is read of a journal: all that was appended before is still there.
        """
        rest = line_of(data)
        size_bytes = os.fstat(self._descriptor).st_size
        check_size(size_bytes + len(rest), f"{self.path}, with the next record", too_large=TOO_LARGE_RUN)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            os.fsync(self._descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, size_bytes)  # half a line is of use to nobody, and room to somebody
            raise self._cannot_be_written(error) from error

    def sign_of_life(self) -> None:
        """Changes the file's time alone: whoever watches it sees that its writer waits and doesn't hang."""
        os.utime(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)

    def _cannot_be_written(self, error: OSError) -> UserError:
        return UserError(f"{self.path}: cannot be written: {error.strerror}")


def append_records(path: Path, *records: Model | dict[str, Any]) -> None:
    """Adds records to a file that nobody has open, which is made where it isn't there.

    Raises UserError where they can't be written.
    """
    file = JournalFile(path)
    try:
        for record in records:
            file.append(record if isinstance(record, dict) else record.model_dump(mode="json"))
    finally:
        file.close()


def line_of(data: dict[str, Any]) -> bytes:
    """A record as it stands in the file. Raises ValueError or TypeError for what is no strict JSON."""
    text = _canonical(data)
    return f'{{"record":{text},"sha256":"{_checksum(text)}"}}\n'.encode("ascii")


def read_journal_lines(path: Path) -> Iterator[dict[str, Any] | None]:
    """Every record in order; None for a line that is damaged or was cut off.

    Raises UserError for a file that can't be read or is larger than a record can be.
    """
    raw = read_file(path, too_large=TOO_LARGE_RUN)
    return (_record(line) for line in raw.split(b"\n") if line.strip())


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        data = parse_json(line, "")
        if not isinstance(data, dict) or not isinstance(data.get("record"), dict):
            return None
        record: dict[str, Any] = data["record"]
        return encodable(record, line) if data.get("sha256") == _checksum(_canonical(record)) else None
    except (UserError, ValueError):  # no JSON, a bare NaN
        return None


def _canonical(data: dict[str, Any]) -> str:
    return json.dumps(data, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:_DIGITS]
