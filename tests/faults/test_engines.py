"""Engines and timing caches that are whole and of something else, cut off, or have a flipped bit: never used."""

from __future__ import annotations

import importlib
import random
import shutil
import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.store.entry import Damaged
from perfkit.variants._timing_cache import read_timing_cache, seal_timing_cache
from tests.store.support import key, new_store, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CACHE = random.Random(9).randbytes(250)  # noqa: S311 - no secrets
CUTS, FLIPS = len(CACHE), 8 * len(CACHE)


def test_an_engine_swapped_for_another_valid_one_is_never_handed_out(tmp_path: Path) -> None:
    """Its whole entry, and its file alone; sizes are the same, and all checksums of the other one are right."""
    store, wanted, other = new_store(tmp_path), key(), key(tensorrt="10.7")
    own, foreign = put(store, wanted, b"12345"), put(store, other, b"54321")
    shutil.copy(foreign.folder / "engine.bin", own.folder / "engine.bin")
    with pytest.raises(Damaged, match=r"the checksum of engine\.bin differs"):
        store.find(wanted)
    shutil.rmtree(own.folder)
    shutil.copytree(foreign.folder, own.folder)
    with pytest.raises(Damaged, match="it was made for another key"):
        store.find(wanted)
    assert store.find(other) is not None
    put(store, wanted)
    assert store.find(wanted) is not None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A timing cache as a build leaves it."""
    found = tmp_path / "timing" / "gpu-tensorrt-10.bin"
    found.parent.mkdir()
    found.write_bytes(CACHE)
    seal_timing_cache(found)
    return found


def damaged() -> Iterator[bytes]:
    yield from (CACHE[:offset] for offset in range(CUTS))
    for bit in range(FLIPS):
        flipped = bytearray(CACHE)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    yield CACHE[::-1]
    yield CACHE + b"\0"


def test_a_timing_cache_that_is_cut_anywhere_or_has_any_bit_flipped_is_removed(path: Path) -> None:
    assert read_timing_cache(path) == CACHE
    digest = path.with_name(f"{path.name}.sha256")
    whole = digest.read_bytes()
    for content in damaged():
        path.write_bytes(content)
        digest.write_bytes(whole)
        with pytest.warns(UserWarning, match="was damaged and is removed: this build began cold"):
            assert read_timing_cache(path) == b""
        assert list(path.parent.iterdir()) == []
    assert read_timing_cache(path) == b""
    path.write_bytes(CACHE)
    seal_timing_cache(path)
    assert read_timing_cache(path) == CACHE


def test_one_without_a_digest_is_taken_and_what_isnt_there_gets_none(path: Path) -> None:
    path.with_name(f"{path.name}.sha256").unlink()
    path.write_bytes(b"older")
    assert read_timing_cache(path) == b"older"
    path.unlink()
    seal_timing_cache(path)
    assert list(path.parent.iterdir()) == []


@pytest.fixture
def onnx_trt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module that builds, with a TensorRT that is made up; both are gone afterwards."""
    made_up = ModuleType("tensorrt")
    vars(made_up).update(ILogger=object, IProfiler=object)
    monkeypatch.setitem(sys.modules, "tensorrt", made_up)
    names = ["perfkit.variants._onnx_trt", "perfkit.variants._tensorrt"]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module(names[0])
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.filterwarnings("ignore:the timing cache:UserWarning")
def test_the_builder_gets_none_of_a_damaged_one(path: Path, onnx_trt: Any) -> None:
    """A builder that tells what it was given, and gives back what it learnt."""
    given: list[bytes] = []
    learnt = SimpleNamespace(serialize=lambda: CACHE[::-1], combine=lambda *_, **__: True)

    def create(known: bytes) -> Any:
        given.append(known)
        return learnt

    config = SimpleNamespace(
        create_timing_cache=create, set_timing_cache=lambda *_, **__: True, get_timing_cache=lambda: learnt
    )
    assert onnx_trt._use_timing_cache(config, path) == CACHE
    path.write_bytes(CACHE[:-1])
    assert onnx_trt._use_timing_cache(config, path) == b""
    assert given == [CACHE, b""]
    onnx_trt._keep_timing_cache(config, path)
    assert read_timing_cache(path) == CACHE[::-1]
    assert given == [CACHE, b""], "nothing is merged where nothing is left"
