"""Entries made up for tests: small files in the place of engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.record.facts import BuildFacts
from perfkit.store.engine_store import EngineStore
from perfkit.store.entry import MANIFEST
from perfkit.store.key import EngineKey
from perfkit.store.signature import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from perfkit.store.entry import Entry

LARGE = 2**40
SECRET = b"0123456789abcdef0123456789abcdef"
SIGNING = SigningKey(SECRET)
FACTS = BuildFacts(build_s=98.5, engines=1, engine_bytes=5, layers=56, layer_formats={"Half": 55})


def key(**parts: str) -> EngineKey:
    base = {"model": "resnet50", "variant": "trt-fp16", "tensorrt": "10.6", "hardware": "Made Up GPU"}
    return EngineKey(parts={**base, **parts})


def writer(*files: tuple[str, bytes]) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        for name, content in files:
            (folder / name).write_bytes(content)

    return save


def put(store: EngineStore, of: EngineKey, content: bytes = b"12345") -> Entry:
    return store.put(of, FACTS, 7, writer(("engine.bin", content)))


def new_store(folder: Path, max_bytes: int = LARGE, signing: SigningKey | None = None) -> EngineStore:
    return EngineStore(folder, max_bytes, signing)


def signed_store(folder: Path, max_bytes: int = LARGE) -> EngineStore:
    return new_store(folder, max_bytes, SIGNING)


def lose_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()
