"""Writing JSON so that a reader finds either the whole new file or the whole old one."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from perfkit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


def write_json_atomic(path: Path, data: object) -> None:
    """Write `data` as strict JSON to a temporary file beside `path`, then put it in its place.

    Both file and folder are flushed to the disk before the function returns. Raises ValueError for
    NaN and infinity and UserError where the file can't be written; in both cases what was at
    `path` before is still there, whole.
    """
    text = json.dumps(data, allow_nan=False, indent=2) + "\n"
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("x", encoding="ascii") as file:
                file.write(text)
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
