from __future__ import annotations

import io
import os
import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from perfkit.errors import UserError
from perfkit.store.archive import export_entries, import_entries
from perfkit.store.entry import MANIFEST, Entry
from tests.store.support import SIGNING, key, put, signed_store

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.store.engine_store import EngineStore


def whole(store: EngineStore) -> list[Entry]:
    return [entry for _, entry in store.entries() if isinstance(entry, Entry)]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    store = signed_store(tmp_path / "here")
    put(store, key())
    put(store, key(model="resnet18"), b"another engine")
    export_entries(whole(store), tmp_path / "engines.tar", SIGNING)
    return tmp_path / "engines.tar"


def test_engines_go_from_one_store_to_another(tmp_path: Path, archive: Path) -> None:
    there = signed_store(tmp_path / "there")
    added, known = import_entries(there, archive)
    assert {entry.key.what for entry in added} == {"resnet50/trt-fp16", "resnet18/trt-fp16"}
    assert known == []
    found = there.find(key(model="resnet18"))
    assert found is not None
    assert (found.folder / "engine.bin").read_bytes() == b"another engine"
    added, known = import_entries(there, archive)
    assert (len(added), len(known)) == (0, 2)


def test_an_import_mends_a_damaged_entry(tmp_path: Path, archive: Path) -> None:
    there = signed_store(tmp_path / "there")
    (put(there, key()).folder / "engine.bin").write_bytes(b"rotten")
    added, _ = import_entries(there, archive)
    assert len(added) == 2
    assert there.find(key()) is not None


def test_what_was_imported_last_is_evicted_last(tmp_path: Path, archive: Path) -> None:
    """Files in an archive keep the times of where they came from."""
    there = signed_store(tmp_path / "there", max_bytes=30)
    before = put(there, key(model="vit_b_16"), b"old")
    os.utime(before.folder / MANIFEST, (time.time() - 60,) * 2)
    import_entries(there, archive)
    put(there, key(model="convnext_tiny"), b"0123456789")
    assert there.find(key()) is not None
    assert there.find(key(model="vit_b_16")) is None


def test_an_import_that_fails_half_way_adds_nothing(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = signed_store(tmp_path / "there")
    adopt = there.adopt
    adopted: list[Path] = []

    def full_disk(folder: Path) -> Entry:
        if adopted:
            raise OSError(28, "No space left on device")
        adopted.append(folder)
        return adopt(folder)

    monkeypatch.setattr(there, "adopt", full_disk)
    with pytest.raises(UserError, match="the store can't be written: No space left on device; nothing was imported"):
        import_entries(there, archive)
    assert there.entries() == []


def test_a_store_that_cant_be_written_is_told_in_a_line(archive: Path) -> None:
    with pytest.raises(UserError, match="the store can't be written: "):
        import_entries(signed_store(archive), archive)


def test_a_folder_is_no_name_for_an_archive(tmp_path: Path) -> None:
    store = signed_store(tmp_path)
    put(store, key())
    with pytest.raises(UserError, match="exists already"):
        export_entries(whole(store), type(tmp_path)("."), SIGNING)


def test_nothing_is_overwritten_by_an_export(tmp_path: Path, archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(UserError, match="exists already"):
        export_entries(whole(signed_store(tmp_path / "here")), archive, SIGNING)
    assert archive.read_bytes() == before


def test_a_damaged_engine_isnt_exported(tmp_path: Path) -> None:
    store = signed_store(tmp_path)
    (put(store, key()).folder / "engine.bin").write_bytes(b"12344")
    with pytest.raises(UserError, match=r"resnet50/trt-fp16 .* is damaged: the checksum of engine.bin differs"):
        export_entries(whole(store), tmp_path / "engines.tar", SIGNING)
    assert not (tmp_path / "engines.tar").exists()


def test_an_export_that_cant_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    store = signed_store(tmp_path)
    put(store, key())
    with pytest.raises(UserError, match="can't be written: No such file or directory"):
        export_entries(whole(store), tmp_path / "no" / "engines.tar", SIGNING)


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size, info.type = len(content), kind
    info.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
    return info, io.BytesIO(content)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([], "holds no engine"),
        ([member("../evil", b"x")], "'../evil', which is no part of an engine; nothing was imported"),
        ([member("/etc/evil", b"x")], "'/etc/evil', which is no part of an engine"),
        ([member("a" * 64 + "/engine.bin", kind=tarfile.SYMTYPE)], "which is no part of an engine"),
        ([member("a" * 64 + "/imported.json", b"{}")], "/imported.json', which is no part of an engine"),
        ([member("a" * 64 + "/engine.bin", b"x")], "aaaaaaaaaaaa is damaged: manifest.json: cannot be read"),
    ],
)
def test_a_foreign_archive_is_refused_whole(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, io.BytesIO]], told: str
) -> None:
    path = tmp_path / "foreign.tar"
    with tarfile.open(path, "w") as foreign:
        for info, content in members:
            foreign.addfile(info, content)
    store = signed_store(tmp_path / "store")
    with pytest.raises(UserError, match=told):
        import_entries(store, path)
    assert store.entries() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foreign.tar", "store"]


def test_one_damaged_engine_stops_the_whole_import(tmp_path: Path, archive: Path) -> None:
    rotten = tmp_path / "rotten.tar"
    rotten.write_bytes(archive.read_bytes().replace(b"another engine", b"anOther engine"))
    store = signed_store(tmp_path / "there")
    with pytest.raises(UserError, match=r"damaged: the checksum of engine.bin differs; nothing was imported"):
        import_entries(store, rotten)
    assert store.entries() == []


@pytest.mark.parametrize("content", [b"", b"no tar at all", b"\x00" * 600])
def test_what_is_no_archive_is_told_in_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.tar").write_bytes(content)
    with pytest.raises(UserError, match=r"no archive of perfkit engines export|holds no engine"):
        import_entries(signed_store(tmp_path), tmp_path / "file.tar")


def test_a_cut_archive_is_refused(tmp_path: Path, archive: Path) -> None:
    cut = tmp_path / "cut.tar"
    cut.write_bytes(archive.read_bytes()[:2500])
    with pytest.raises(UserError):
        import_entries(signed_store(tmp_path / "there"), cut)
    assert signed_store(tmp_path / "there").entries() == []


def test_a_missing_archive_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.tar: can't be read: No such file or directory"):
        import_entries(signed_store(tmp_path), tmp_path / "none.tar")
