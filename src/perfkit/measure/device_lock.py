"""One session at a time measures on a GPU, and one on the CPU: two at once would time each other.

The lock belongs to the machine, whichever project or user measures, as long as all have one folder for temporary files
(TMPDIR). The system lets go of it when its process ends, however it ends: there are no stale ones.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.catalog.case import Platform
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOLDER = "perfkit-locks"
_LOOK_AGAIN_S = 1.0


def device_name(platform: Platform) -> str:
    """What the device that is measured is locked by: ``cpu``, or a GPU's UUID, which CUDA_VISIBLE_DEVICES keeps."""
    if platform is Platform.CPU:
        return "cpu"
    import torch

    return f"gpu-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}"


@contextmanager
def locked_device(name: str, waits: Callable[[Path], None], still_waits: Callable[[], None]) -> Iterator[None]:
    """Hold a device; waits for whoever holds it.

    ``waits`` is called once with the lock's file before the waiting begins, ``still_waits`` every few seconds of it.
    Raises UserError where the lock can't be taken at all.
    """
    path = Path(tempfile.gettempdir()) / _FOLDER / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):  # somebody else's, who has done it
            # Other users measure on this device too; sticky, so that none follows a link that another one put there.
            path.parent.chmod(0o1777)
        descriptor = _opened(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be locked: {error.strerror}") from error
    try:
        try:
            if not _is_taken(descriptor):
                waits(path)
                still_waits()
                while not _is_taken(descriptor):
                    time.sleep(_LOOK_AGAIN_S)
                    still_waits()
        except OSError as error:
            raise UserError(f"{path}: cannot be locked: {error.strerror}") from error
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    """The lock's file, whoever made it: a lock needs no right to write, and filelock refuses another user's."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except PermissionError:  # in a sticky folder Linux lets nobody create what somebody else has
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
