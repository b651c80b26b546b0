"""One process at a time changes what a folder holds: a baseline, a run."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked_folder(folder: Path, *, refusal: str = "") -> Iterator[int]:
    """Hold the folder, which is made where it isn't there; waits for whoever holds it, or refuses with ``refusal``.

    Yields the lock's descriptor: a process that inherits it holds the folder as well. The folder itself is what is
    locked: a lock file would lie among reviewed files and be committed with them. The system lets go when the process
    ends, however it ends. Raises UserError where the folder can't be made or locked, as on some network file systems.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if refusal else 0))
        except BlockingIOError:
            raise UserError(f"{folder}: {refusal}") from None
        except OSError as error:
            raise UserError(f"{folder}: cannot be locked: {error.strerror}; use a folder on a local disk") from error
        yield descriptor
    finally:
        os.close(descriptor)
