"""Where things lie in a GPU's memory, on a made-up one: real memory is tests/gpu/test_placement.py."""

from __future__ import annotations

import dataclasses
import random
import weakref
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
import torch

from perfkit.record.facts import BuildFacts
from perfkit.store.engine_store import EngineStore
from perfkit.variants import build, building
from perfkit.variants.base import StoredVariant, Variant
from perfkit.variants.build import build_variant
from perfkit.variants.building import build_here
from perfkit.variants.placement import elsewhere
from tests.variants.requests import FIXED, PLAIN, BuiltNumber, Places, Tiny, request_for

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from perfkit.variants.base import BuildRequest, Built

CUDA = torch.device("cuda", 0)
GIB = 2**30


class Block:
    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes


class Memory:
    """A GPU's, that has room for so many blocks."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.free_bytes = 80 * GIB
        self.taken: weakref.WeakSet[Block] = weakref.WeakSet()

    def empty(self, size_bytes: int, **_: Any) -> Block:
        if len(self.taken) == self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        block = Block(size_bytes)
        self.taken.add(block)
        return block

    def sizes_bytes(self) -> list[int]:
        return sorted(block.size_bytes for block in self.taken)


def use_mem_pool(*_: object) -> AbstractContextManager[None]:
    return nullcontext()


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    made_up = Memory(room=100)
    monkeypatch.setattr(torch.cuda, "MemPool", object)
    monkeypatch.setattr(torch.cuda, "use_mem_pool", use_mem_pool)
    monkeypatch.setattr(torch, "empty", made_up.empty)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (made_up.free_bytes, 80 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: sum(made_up.sizes_bytes()))
    return made_up


def test_blocks_are_taken_and_given_back(memory: Memory) -> None:
    with elsewhere(CUDA) as blocks_bytes:
        taken = memory.sizes_bytes()
    assert sum(taken) == blocks_bytes
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


def test_most_of_what_is_free_is_left(memory: Memory) -> None:
    memory.free_bytes = GIB // 2
    for _ in range(20):
        with elsewhere(CUDA) as blocks_bytes:
            assert blocks_bytes <= GIB // 16


@pytest.mark.parametrize("room", [0, 1])
def test_a_full_gpu_has_fewer_blocks(memory: Memory, room: int) -> None:
    memory.room = room
    with elsewhere(CUDA):
        assert len(memory.sizes_bytes()) <= room


def test_on_the_cpu_nothing_is_moved(memory: Memory) -> None:
    with elsewhere(torch.device("cpu")) as blocks_bytes:
        assert not memory.sizes_bytes()
    assert not blocks_bytes


@pytest.fixture
def tiny(tmp_path: Path) -> BuildRequest:
    return request_for(Tiny().eval(), FIXED, PLAIN, tmp_path)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Places:
    seen = Places()
    for module in (build, building):
        monkeypatch.setattr(module, "elsewhere", seen.elsewhere)
    return seen


class Converted(Variant):
    """A copy of the model that no store keeps."""

    name = "converted"
    cosine_bound = 0.9

    def __init__(self, places: Places) -> None:
        self.places = places

    def build(self, request: BuildRequest) -> Built:
        self.places.see("build")
        return BuiltNumber(1.0, BuildFacts(build_s=1.0))


class Engine(Converted, StoredVariant):
    """One that is kept."""

    name = "engine"

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        return {"library": "1.0"}

    def save(self, built: Built, folder: Path) -> None:
        (folder / "engine").touch()

    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        self.places.see("load")
        return BuiltNumber(1.0, facts)


def test_a_copy_is_placed_when_it_is_made(places: Places, tiny: BuildRequest) -> None:
    build_variant(Converted(places), tiny)
    assert places.seen == [("build", True)]


def test_an_engine_is_placed_each_time_it_is_loaded(places: Places, tiny: BuildRequest, tmp_path: Path) -> None:
    """Not while it is built: then all memory is the builder's, which tries kernels out in it."""
    store = EngineStore(tmp_path / "cache", GIB)
    for _ in range(2):
        build_variant(Engine(places), tiny, store)
    assert places.seen == [("build", False), ("load", True), ("load", True)]


def test_the_blocks_are_no_part_of_what_a_build_takes(
    tiny: BuildRequest, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for nothing in ("synchronize", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, nothing, lambda: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: GIB + sum(memory.sizes_bytes()))
    assert build_here(Converted(Places()), dataclasses.replace(tiny, device=CUDA)).peak_build_bytes == GIB
