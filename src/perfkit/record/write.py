"""Writing JSON so that a reader finds either the whole new file or the whole old one."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from typing import TYPE_CHECKING

from perfkit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_RANDOM_BYTES = 8


def write_run_json(path: Path, data: object) -> None:
    """As :func:`write_json_atomic`, without indentation: it would be half of a run's file, which is all numbers."""
    _write_atomic(path, json.dumps(data, allow_nan=False, separators=(",", ":")))


def write_json_atomic(path: Path, data: object) -> None:
    """Write `data` as strict JSON to a temporary file beside `path`, then put it in its place.

    Both file and folder are flushed to the disk before the function returns. Raises ValueError for
    NaN and infinity and UserError where the file can't be written; in both cases what was at
    `path` before is still there, whole.
    """
    _write_atomic(path, json.dumps(data, allow_nan=False, indent=2))


def _write_atomic(path: Path, text: str) -> None:
    # A name that nobody else has: in containers that share a folder, process ids are alike.
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(_RANDOM_BYTES)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = temporary.open("x", encoding="ascii")
        try:
            with file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            raise
        flush_folder(path.parent)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def flush_folder(folder: Path) -> None:
    """Flush a folder's names to the disk: without this a crash of the machine may bring back the old ones.

    Raises OSError.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
