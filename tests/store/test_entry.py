"""What an entry holds is handed out only where all of it is what its manifest vouches for."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from perfkit.store.entry import MANIFEST, Damaged
from tests.store.support import key, lose_the_manifest, new_store, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def cut_off(folder: Path) -> None:
    (folder / "engine.bin").write_bytes(b"123")


def flip_a_bit(folder: Path) -> None:
    (folder / "engine.bin").write_bytes(b"12344")


def lose_the_engine(folder: Path) -> None:
    (folder / "engine.bin").unlink()


def cut_the_manifest(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text[: len(text) // 2])


def edit_the_key(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["key"]["parts"]["compute_capability"] = "7.5"
    (folder / MANIFEST).write_text(json.dumps(manifest))


def age_the_schema(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["schema_version"] = 0
    (folder / MANIFEST).write_text(json.dumps(manifest))


def smuggle_in(folder: Path) -> None:
    (folder / "module.pt").write_bytes(b"run me")


def name_the_folder(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][0]["name"] = ".."
    (folder / MANIFEST).write_text(json.dumps(manifest))


def climb_out(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][0]["name"] = "../engine.bin"
    (folder / MANIFEST).write_text(json.dumps(manifest))


def link_to_another(folder: Path) -> None:
    """The bytes are right, and can be changed from outside of the store once they were checked."""
    (folder / "engine.bin").rename(folder.parent / "engine.bin")
    (folder / "engine.bin").symlink_to(folder.parent / "engine.bin")


def put_a_pipe_there(folder: Path) -> None:
    """Opening it would wait for somebody who writes."""
    (folder / "engine.bin").unlink()
    os.mkfifo(folder / "engine.bin")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (link_to_another, "engine.bin is no plain file"),
        (put_a_pipe_there, "engine.bin is no plain file"),
        (cut_off, "engine.bin has 3 bytes instead of 5"),
        (flip_a_bit, "the checksum of engine.bin differs"),
        (lose_the_engine, "engine.bin can't be read: No such file or directory"),
        (lose_the_manifest, "manifest.json: cannot be read: No such file or directory"),
        (cut_the_manifest, "manifest.json: not whole JSON"),
        (edit_the_key, r"it was made for another key \(resnet50/trt-fp16, [0-9a-f]{12}\)"),
        (age_the_schema, "manifest.json: schema_version"),
        (climb_out, "manifest.json: files.0.name"),
        (name_the_folder, "manifest.json: files.0.name"),
        (smuggle_in, "the manifest doesn't vouch for module.pt"),
    ],
)
def test_a_damaged_or_foreign_entry_is_never_handed_out(
    tmp_path: Path, damage: Callable[[Path], None], told: str
) -> None:
    store = new_store(tmp_path)
    damage(put(store, key()).folder)
    with pytest.raises(Damaged, match=told) as caught:
        store.find(key())
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    put(store, key())
    assert store.find(key()) is not None
