"""Pages that are really read from a disk while a process waits for them."""

from __future__ import annotations

import mmap
import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PAGES = 64


def pages_from_disk(path: Path) -> int:
    """How many major faults it took to touch the pages of a file that the cache has dropped; 0 in memory alone."""
    path.write_bytes(os.urandom(PAGES * mmap.PAGESIZE))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
            pages.madvise(mmap.MADV_RANDOM)  # one by one, and none ahead
            sum(pages[offset] for offset in range(0, len(pages), mmap.PAGESIZE))
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt - before
