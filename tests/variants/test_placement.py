"""Where things lie in a GPU's memory, on a made-up one: real memory is tests/gpu/test_placement.py."""

from __future__ import annotations

import random
import weakref
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import torch

from perfkit.variants.placement import elsewhere

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

CUDA = torch.device("cuda", 0)


class Block:
    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes


class Memory:
    """A GPU's, that has room for so many blocks."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken: weakref.WeakSet[Block] = weakref.WeakSet()

    def empty(self, size_bytes: int, **_: Any) -> Block:
        if len(self.taken) == self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        block = Block(size_bytes)
        self.taken.add(block)
        return block

    def sizes_bytes(self) -> list[int]:
        return sorted(block.size_bytes for block in self.taken)


def use_mem_pool(_: object) -> AbstractContextManager[None]:
    return nullcontext()


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made_up = Memory(room=100)
    monkeypatch.setattr(torch.cuda, "MemPool", object)
    monkeypatch.setattr(torch.cuda, "use_mem_pool", use_mem_pool)
    monkeypatch.setattr(torch, "empty", made_up.empty)
    return made_up


def test_blocks_are_taken_and_given_back(memory: Memory) -> None:
    with elsewhere(CUDA):
        taken = memory.sizes_bytes()
    assert 1 <= len(taken) <= 8
    assert sum(taken) <= 512 * 2**20
    assert not memory.sizes_bytes()


def test_blocks_are_given_back_where_what_comes_behind_fails(memory: Memory) -> None:
    with pytest.raises(ZeroDivisionError), elsewhere(CUDA):
        _ = 1 / 0
    assert not memory.sizes_bytes()


def test_each_draw_is_another_even_where_chance_is_seeded(memory: Memory) -> None:
    """As pytest-randomly does before each test: all processes would draw the same."""
    draws = set()
    for _ in range(5):
        random.seed(0)
        with elsewhere(CUDA):
            draws.add(tuple(memory.sizes_bytes()))
    assert len(draws) > 1


@pytest.mark.parametrize("room", [0, 1])
def test_a_full_gpu_has_fewer_blocks(memory: Memory, room: int) -> None:
    memory.room = room
    with elsewhere(CUDA):
        assert len(memory.sizes_bytes()) <= room


def test_on_the_cpu_nothing_is_moved(memory: Memory) -> None:
    with elsewhere(torch.device("cpu")):
        assert not memory.sizes_bytes()
