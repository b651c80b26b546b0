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
    done = import_entries(there, archive)
    assert {entry.key.what for entry in done.added} == {"resnet50/trt-fp16", "resnet18/trt-fp16"}
    assert done.known == []
    found = there.find(key(model="resnet18"))
    assert found is not None
    assert (found.folder / "engine.bin").read_bytes() == b"another engine"
    again = import_entries(there, archive)
    assert (len(again.added), len(again.known), len(again.kept)) == (0, 2, 0)


def test_an_import_mends_a_damaged_entry(tmp_path: Path, archive: Path) -> None:
    there = signed_store(tmp_path / "there")
    (put(there, key()).folder / "engine.bin").write_bytes(b"rotten")
    assert len(import_entries(there, archive).added) == 2
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
        ([member("a" * 64 + "/..", b"x")], "which is no part of an engine"),
        ([member("a" * 64 + "/.", b"x")], "which is no part of an engine"),
        *(
            ([member("a" * 64 + "/engine.bin", kind=kind)], "which is no part of an engine")
            for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE)
        ),
        ([member("a" * 64 + "/engine.bin", kind=tarfile.GNUTYPE_SPARSE)], "which is no part of an engine"),
        ([member("a" * 64 + "/imported.json", b"{}")], "imported.json', which is no part of an engine"),
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


def test_an_archive_of_more_files_than_anybody_carries_is_refused(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfkit.store.archive._MOST_MEMBERS", 3)
    with pytest.raises(UserError, match="holds more than 3 files; nothing was imported"):
        import_entries(signed_store(tmp_path / "there"), archive)
    assert signed_store(tmp_path / "there").entries() == []


def headers(content: bytes, kind: bytes, count: int = 1) -> bytes:
    """So many extended headers one after another, and a file."""
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, len(content)
    block = info.tobuf(tarfile.USTAR_FORMAT) + content.ljust(-(-len(content) // 512) * 512, b"\0")
    return block * count + member("a" * 64 + "/engine.bin")[0].tobuf(tarfile.USTAR_FORMAT) + b"\0" * 1024


def field(name: str, value: str) -> bytes:
    text = f" {name}={value}\n".encode()
    length = next(length for length in range(len(text), len(text) + 9) if len(str(length)) + len(text) == length)
    return str(length).encode() + text


NO_PART = "which is no part of an engine"
NO_ARCHIVE = "no archive of perfkit engines export"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (headers(b"name\0", tarfile.GNUTYPE_LONGNAME, 2000), NO_ARCHIVE),  # tarfile calls itself for each
        (headers(field("GNU.sparse.map", "0,x"), tarfile.XHDTYPE), NO_ARCHIVE),
        (headers(field("GNU.sparse.size", "large"), tarfile.XHDTYPE), NO_ARCHIVE),
        (headers(field("GNU.sparse.size", str(2**30)), tarfile.XHDTYPE), NO_PART),  # a file of a gigabyte
        (headers(field("size", "-512"), tarfile.XHDTYPE), NO_PART),  # the next header is this one, again and again
        (headers(field("size", str(2**62)), tarfile.XHDTYPE), NO_ARCHIVE),
        (headers(field("mtime", "nan"), tarfile.XHDTYPE), NO_ARCHIVE),
        (headers(b"9" * 5000 + b" a=b\n", tarfile.XHDTYPE), NO_ARCHIVE),
    ],
    ids=["recursion", "sparse map", "sparse size", "large sparse", "backwards", "huge", "no time", "digits"],
)
def test_headers_that_nobody_should_have_written_are_refused_in_a_line(
    tmp_path: Path, content: bytes, told: str
) -> None:
    """What tarfile itself stumbles over among them."""
    (tmp_path / "evil.tar").write_bytes(content)
    store = signed_store(tmp_path / "store")
    with pytest.raises(UserError, match=rf"evil\.tar: .*{told}") as caught:
        import_entries(store, tmp_path / "evil.tar")
    assert "\n" not in str(caught.value)
    assert store.entries() == []


def test_a_missing_archive_is_told_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.tar: can't be read: No such file or directory"):
        import_entries(signed_store(tmp_path), tmp_path / "none.tar")
