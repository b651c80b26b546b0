"""One session at a time measures on a GPU, and one on the CPU: two at once would time each other.

The lock belongs to the machine, whichever project or user measures, and the system lets go of it when its process ends,
however it ends: there are no stale ones.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from perfkit.catalog.case import Platform
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOLDER = "perfkit-locks"
_LOOK_AGAIN_S = 2.0


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
    lock = FileLock(path, mode=0o666)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):  # somebody else's, who has done it
            # Other users measure on this device too; sticky, so that none follows a link that another one put there.
            path.parent.chmod(0o1777)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waits(path)
            _wait(lock, still_waits)
    except OSError as error:
        raise UserError(f"{path}: cannot be locked: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _wait(lock: FileLock, still_waits: Callable[[], None]) -> None:
    while True:
        still_waits()
        with suppress(Timeout):
            lock.acquire(timeout=_LOOK_AGAIN_S, poll_interval=0.5)
            return
