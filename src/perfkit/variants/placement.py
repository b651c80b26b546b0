"""Where things lie in a GPU's memory: drawn anew in each process, for times depend on it.

A network that finds its data in the cache, as in wall times, takes up to some percent longer or shorter by where its
weights, its engine and its graphs lie (docs/device-times.md). Left alone, processes that do the same before place them
alike, and all move together once something before is otherwise: for a regression that none is. Placed by chance they
differ by as much as it may matter, and the judge learns from a baseline's processes how much that is.
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
_SHARE = 8
"""Of the memory that is free, blocks take one part in so many at the most: what is placed must find room."""

_chance = random.SystemRandom()
"""Not the generator that tests are seeded by: every process would draw the same."""


@contextlib.contextmanager
def elsewhere(device: torch.device) -> Iterator[int]:
    """What is allocated inside lies behind blocks of random sizes, 0.5 GB at most, given back to the driver afterwards.

    Yields the bytes that the blocks have of PyTorch's memory: none on the CPU platform, fewer on a full GPU, for where
    something lies isn't worth a case.
    """
    if device.type != Platform.CUDA:
        yield 0
        return
    pool = torch.cuda.MemPool()  # of its own: what PyTorch keeps for others would lie where it did
    blocks: list[torch.Tensor] = []
    left_bytes = torch.cuda.mem_get_info(device)[0] // _SHARE
    before_bytes = torch.cuda.memory_allocated(device)
    with contextlib.suppress(torch.OutOfMemoryError), torch.cuda.use_mem_pool(pool, device):
        for _ in range(_chance.randint(1, _MOST_BLOCKS)):
            size_bytes = _chance.randint(_SMALLEST_MIB, _LARGEST_MIB) * _MIB
            if size_bytes > left_bytes:
                break
            left_bytes -= size_bytes
            blocks.append(torch.empty(size_bytes, dtype=torch.uint8, device=device))
    try:
        yield torch.cuda.memory_allocated(device) - before_bytes
    finally:
        blocks.clear()
        del pool
