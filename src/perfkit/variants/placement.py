"""Where things lie in a GPU's memory: drawn anew in each process, for device times depend on it.

A network takes up to some percent longer or shorter by where its weights, its engine and its graphs lie
(docs/device-times.md). Left alone, processes that do the same before place them alike, agree within 0.1%, and all move
together once something before is otherwise: for a regression that none is. Placed by chance they differ by as much as
it may matter, and what a run is held to allows for it.
"""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

import torch

from perfkit.catalog.case import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BLOCKS = 8
_SMALLEST_MIB, _LARGEST_MIB = 2, 64
_MIB = 2**20

_chance = random.SystemRandom()
"""Not the generator that tests are seeded by: every process would draw the same."""


@contextlib.contextmanager
def elsewhere(device: torch.device) -> Iterator[None]:
    """What is allocated inside lies behind blocks of random sizes, 0.5 GB at most, given back to the driver afterwards.

    Does nothing on the CPU platform. A full GPU has fewer blocks: where something lies isn't worth a case.
    """
    if device.type != Platform.CUDA:
        yield
        return
    pool = torch.cuda.MemPool()  # of its own: what PyTorch keeps for others would lie where it did
    blocks = []
    with contextlib.suppress(torch.OutOfMemoryError), torch.cuda.use_mem_pool(pool):
        for _ in range(_chance.randint(1, _MOST_BLOCKS)):
            size_bytes = _chance.randint(_SMALLEST_MIB, _LARGEST_MIB) * _MIB
            blocks.append(torch.empty(size_bytes, dtype=torch.uint8, device=device))
    try:
        yield
    finally:
        blocks.clear()
        del pool
