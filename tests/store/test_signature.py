"""An engine that somebody else may have made reaches no library unless the user's key or a reviewed baseline has it."""

from __future__ import annotations

import json
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.errors import UserError
from perfkit.store.archive import export_entries, import_entries
from perfkit.store.entry import Damaged, Entry, file_sha256
from perfkit.store.signature import KEY_VARIABLE, Signature, SigningKey, Untrusted, signing_key
from tests.store.support import FACTS, SECRET, SIGNING, key, new_store, put, signed_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from perfkit.store.engine_store import EngineStore

OTHER = SigningKey(b"another key of thirty-two bytes!")


def only(store: EngineStore) -> Entry:
    (entry,) = [entry for _, entry in store.entries() if isinstance(entry, Entry)]
    return entry


def archive_of(folder: Path, signing: SigningKey | None, change: Callable[[Path], None] = lambda _: None) -> Path:
    """An archive of one engine, whose unpacked folder was changed on its way."""
    store = new_store(folder / "origin", signing=signing)
    entry = put(store, key())
    whole, changed = folder / "whole.tar", folder / "changed.tar"
    export_entries([entry], whole, signing)
    with tarfile.open(whole) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    change(folder / "unpacked" / key().digest)
    with tarfile.open(changed, "w") as archive:
        for file in sorted((folder / "unpacked").rglob("*")):
            if file.is_file():
                archive.add(file, f"{file.parent.name}/{file.name}")
    return changed


def refused(store: EngineStore, archive: Path, told: str, named: frozenset[str] = frozenset()) -> None:
    with pytest.raises(UserError, match=told) as caught:
        import_entries(store, archive, named)
    assert str(caught.value).endswith("nothing was imported")
    assert store.entries() == []


def rewritten(folder: Path, engine: bytes) -> None:
    """Another engine under the same name, with a manifest that fits it: what whoever makes engines can do."""
    (folder / "engine.bin").write_bytes(engine)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0] |= {"size_bytes": len(engine), "sha256": file_sha256(folder / "engine.bin")}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edited_facts(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["facts"]["build_s"] = 1.0
    (folder / "manifest.json").write_text(json.dumps(manifest))


def spaced(folder: Path) -> None:
    """The same data in other bytes: what is signed are bytes."""
    (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes() + b"\n")


def moved_to_another_key(folder: Path) -> None:
    """The signature of one engine on the entry of another."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["key"] = {"parts": key(model="resnet18").parts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    folder.rename(folder.with_name(key(model="resnet18").digest))


def test_signed_engines_go_where_the_same_key_is(tmp_path: Path) -> None:
    there = signed_store(tmp_path / "there")
    import_entries(there, archive_of(tmp_path, SIGNING))
    assert there.find(key()) is not None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: rewritten(folder, b"evil!"), "its signature isn't of the key in PERFKIT_ENGINE_KEY_FILE"),
        (edited_facts, "its signature isn't of the key"),
        (spaced, "its signature isn't of the key"),
        (moved_to_another_key, r"resnet18/trt-fp16 \(\w{12}\): its signature isn't of the key"),
        (lambda folder: (folder / "signature.json").unlink(), "it isn't signed; export it with a key"),
        (lambda folder: (folder / "signature.json").write_text("{}"), "its signature.json can't be read"),
        (lambda folder: (folder / "signature.json").write_text('{"hmac_sha256": "é"}'), "its signature.json can't be"),
        (lambda folder: (folder / "more.bin").write_bytes(b"x"), "damaged: the manifest doesn't vouch for more.bin"),
        (lambda folder: (folder / "engine.bin").write_bytes(b"evil!"), "damaged: the checksum of engine.bin differs"),
    ],
)
def test_what_was_changed_on_its_way_is_refused(tmp_path: Path, change: Callable[[Path], None], told: str) -> None:
    refused(signed_store(tmp_path / "there"), archive_of(tmp_path, SIGNING, change), told)


def test_another_key_no_key_and_no_signature_are_refused(tmp_path: Path) -> None:
    signed, plain = archive_of(tmp_path / "a", SIGNING), archive_of(tmp_path / "b", None)
    refused(new_store(tmp_path / "1", signing=OTHER), signed, "its signature isn't of the key in PERFKIT_ENGINE_KEY_")
    refused(new_store(tmp_path / "2"), signed, "PERFKIT_ENGINE_KEY_FILE names no key to check its signature with, or")
    refused(new_store(tmp_path / "3"), plain, "it isn't signed; export it with a key, or name a reviewed baseline")
    refused(signed_store(tmp_path / "4"), plain, "it isn't signed")


def test_one_that_nobody_vouches_for_stops_the_whole_import(tmp_path: Path) -> None:
    store = signed_store(tmp_path / "here")
    entries = [put(store, key()), put(store, key(model="resnet18"))]
    theirs = Signature(hmac_sha256=OTHER.sign(entries[1].manifest_sha256))
    (entries[1].folder / "signature.json").write_text(theirs.model_dump_json())
    with tarfile.open(tmp_path / "two.tar", "w") as archive:
        for entry in entries:
            for file in entry.folder.iterdir():
                archive.add(file, f"{entry.folder.name}/{file.name}")
    refused(signed_store(tmp_path / "there"), tmp_path / "two.tar", "resnet18/trt-fp16")


def test_a_baseline_vouches_for_what_it_names_and_for_nothing_else(tmp_path: Path) -> None:
    plain = archive_of(tmp_path, None)
    named = only(new_store(tmp_path / "origin")).manifest_sha256
    refused(new_store(tmp_path / "1"), plain, "it isn't signed", frozenset({"0" * 64}))
    there = new_store(tmp_path / "there")
    import_entries(there, plain, frozenset({named}))
    assert there.find(key()) is not None
    swapped = archive_of(tmp_path / "again", None, lambda folder: rewritten(folder, b"evil!"))
    refused(new_store(tmp_path / "2"), swapped, "it isn't signed", frozenset({named}))


def test_what_a_baseline_named_is_checked_again_when_it_is_loaded(tmp_path: Path) -> None:
    plain = archive_of(tmp_path, None)
    there = new_store(tmp_path / "there")
    import_entries(there, plain, frozenset({only(new_store(tmp_path / "origin")).manifest_sha256}))
    rewritten(only(there).folder, b"evil!")
    with pytest.raises(Untrusted, match="it isn't the one that was imported"):
        there.find(key())
    (only(there).folder / "imported.json").write_text("{")
    with pytest.raises(Untrusted, match=r"its imported.json can't be read"):
        there.find(key())


def test_with_a_key_what_a_baseline_names_is_signed_with_it(tmp_path: Path) -> None:
    theirs = archive_of(tmp_path, OTHER)
    named = only(new_store(tmp_path / "origin", signing=OTHER)).manifest_sha256
    there = signed_store(tmp_path / "there")
    import_entries(there, theirs, frozenset({named}))
    assert there.find(key()) is not None
    assert sorted(file.name for file in only(there).folder.iterdir()) == [
        "engine.bin",
        "manifest.json",
        "signature.json",
    ]


def test_an_imported_engine_is_checked_again_when_it_is_loaded(tmp_path: Path) -> None:
    import_entries(signed_store(tmp_path / "there"), archive_of(tmp_path, SIGNING))
    for signing, told in (
        (OTHER, "its signature isn't of the key in PERFKIT_ENGINE_KEY_FILE"),
        (None, "it is signed, and PERFKIT_ENGINE_KEY_FILE names no key to check that with"),
    ):
        with pytest.raises(Untrusted, match=told):
            new_store(tmp_path / "there", signing=signing).find(key())
    there = signed_store(tmp_path / "there")
    rewritten(only(there).folder, b"evil!")
    with pytest.raises(Untrusted, match="its signature isn't of the key"):
        there.find(key())


def test_a_signature_of_another_entry_of_the_store_doesnt_pass(tmp_path: Path) -> None:
    store = signed_store(tmp_path)
    one, two = put(store, key(), b"one"), put(store, key(model="resnet18"), b"two")
    shutil.copy(one.folder / "signature.json", two.folder)
    with pytest.raises(Untrusted, match="its signature isn't of the key"):
        store.find(two.key)
    for file in one.folder.iterdir():  # all of it, under the other's name
        shutil.copy(file, two.folder)
    with pytest.raises(Damaged, match="it was made for another key"):
        store.find(two.key)


def test_without_a_key_this_machines_own_engines_are_as_they_were(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    put(store, key())
    assert store.find(key()) is not None
    assert sorted(file.name for file in only(store).folder.iterdir()) == ["engine.bin", "manifest.json"]


def test_with_a_key_only_signed_engines_are_loaded_and_the_user_may_sign(tmp_path: Path) -> None:
    put(new_store(tmp_path), key())
    store = signed_store(tmp_path)
    with pytest.raises(Untrusted, match="it isn't signed, and PERFKIT_ENGINE_KEY_FILE is set; perfkit engines sign"):
        store.find(key())
    store.sign(only(store), SIGNING)
    assert store.find(key()) is not None
    (only(store).folder / "engine.bin").write_bytes(b"12344")
    with pytest.raises(Damaged, match=r"the checksum of engine\.bin differs"):
        store.sign(only(store), SIGNING)


def test_what_may_not_be_loaded_isnt_exported(tmp_path: Path) -> None:
    put(new_store(tmp_path), key())
    with pytest.raises(UserError, match=r"resnet50/trt-fp16 .* isn't exported: it isn't signed"):
        export_entries([only(new_store(tmp_path))], tmp_path / "engines.tar", SIGNING)
    assert not (tmp_path / "engines.tar").exists()


@pytest.mark.parametrize("name", ["manifest.json", "signature.json", "imported.json"])
def test_no_variant_writes_what_the_store_writes(tmp_path: Path, name: str) -> None:
    def save(folder: Path) -> None:
        (folder / name).write_text("{}")

    with pytest.raises(ValueError, match="the store has a file of that name itself"):
        new_store(tmp_path).put(key(), FACTS, None, save)


SECRETS = st.binary(min_size=32, max_size=64)


@given(secret=SECRETS, other=SECRETS, text=st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_key_knows_its_own_signatures_alone(secret: bytes, other: bytes, text: str) -> None:
    made = Signature(hmac_sha256=SigningKey(secret).sign(text))
    assert SigningKey(secret).matches(text, made)
    assert SigningKey(other).matches(text, made) is (other == secret)
    assert not SigningKey(secret).matches(text[::-1] + "0", made)


def test_the_key_is_read_from_a_file_and_shown_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert signing_key() is None
    file = tmp_path / "engines.key"
    monkeypatch.setenv(KEY_VARIABLE, str(file))
    file.write_bytes(SECRET + b"\n")
    assert signing_key() == SIGNING
    assert SECRET.decode() not in f"{SIGNING} {SIGNING!r}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "a key has 32 to 4096 bytes; make one: openssl rand -hex 32"),
        (SECRET[:-1] + b"\n", "a key has 32 to 4096 bytes"),
        (b" " * 100, "a key has 32 to 4096 bytes"),
        (b"x" * 4097, "a key has 32 to 4096 bytes"),
        (None, "engines.key: can't be read: No such file or directory"),
    ],
)
def test_a_key_that_cant_be_used_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "engines.key").write_bytes(content)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "engines.key"))
    with pytest.raises(UserError, match=told) as caught:
        signing_key()
    assert content is None or content.strip() == b"" or content.strip().decode() not in str(caught.value)
