"""Engines and timing caches go from host to host whole, verified, and replace nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from perfkit.errors import UserError
from perfkit.fleet.parcel import Parcel, last_used_s, pack, unpack, used_since
from perfkit.store.engine_store import cache_folder
from perfkit.store.signature import signing_key
from tests.store.support import key, new_store, put

if TYPE_CHECKING:
    from pathlib import Path

NAME = "made-up-gpu-tensorrt-10.6.bin"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PERFKIT_CACHE", raising=False)
    folder = tmp_path / "here"
    store = new_store(cache_folder(folder))
    put(store, key())
    put(store, key(variant="trt-int8"), b"others")
    (cache_folder(folder) / "timing").mkdir()
    (cache_folder(folder) / "timing" / NAME).write_bytes(b"tactics")
    return folder


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


def test_what_was_asked_for_arrives_with_the_timing_caches(here: Path, there: Path) -> None:
    unpack(pack(here, [key().digest]), there)
    entry = new_store(cache_folder(there)).find(key())
    assert entry is not None
    assert (entry.folder / "engine.bin").read_bytes() == b"12345"
    assert set(last_used_s(there)) == {key().digest}
    assert (cache_folder(there) / "timing" / NAME).read_bytes() == b"tactics"


def test_what_is_there_stays(here: Path, there: Path) -> None:
    """A host measures the engine that it has, and builds with the tactics that it knows."""
    put(new_store(cache_folder(there)), key(), b"mine")
    (cache_folder(there) / "timing").mkdir()
    (cache_folder(there) / "timing" / NAME).write_bytes(b"mine")
    unpack(pack(here, [key().digest]), there)
    entry = new_store(cache_folder(there)).find(key())
    assert entry is not None
    assert (entry.folder / "engine.bin").read_bytes() == b"mine"
    assert (cache_folder(there) / "timing" / NAME).read_bytes() == b"mine"


def test_damage_on_the_way_is_refused(here: Path, there: Path) -> None:
    parcel = pack(here, [key().digest])
    at = parcel.engines.index(b"12345")
    with pytest.raises(UserError, match=r"is damaged: the checksum of engine\.bin differs"):
        unpack(replace(parcel, engines=parcel.engines[:at] + b"12346" + parcel.engines[at + 5 :], timing={}), there)
    sha256, _ = parcel.timing[NAME]
    with pytest.raises(UserError, match=rf"timing cache '{NAME}': damaged"):
        unpack(Parcel(timing={NAME: (sha256, b"others")}), there)
    with pytest.raises(UserError, match=r"timing cache '\.\./x': damaged"):
        unpack(Parcel(timing={"../x": parcel.timing[NAME]}), there)
    assert last_used_s(there) == {}
    assert not (cache_folder(there) / "timing" / NAME).exists()


def test_engines_that_the_sender_does_not_name_are_refused(here: Path, there: Path) -> None:
    parcel = pack(here, [key().digest])
    with pytest.raises(UserError, match="it isn't signed"):
        unpack(replace(parcel, manifests=frozenset()), there)
    assert last_used_s(there) == {}


def test_hosts_with_a_key_of_their_own_sign_what_arrives(
    here: Path, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcel = pack(here, [key().digest])
    (tmp_path / "key").write_bytes(b"k" * 32)
    monkeypatch.setenv("PERFKIT_ENGINE_KEY_FILE", str(tmp_path / "key"))
    unpack(parcel, there)
    assert new_store(cache_folder(there), signing=signing_key()).find(key()) is not None


def test_an_empty_parcel_is_no_fault(there: Path) -> None:
    assert pack(there, []) == Parcel()
    unpack(Parcel(), there)


def test_what_was_used_is_known(here: Path) -> None:
    before_s = {name: at_s - 10 for name, at_s in last_used_s(here).items()}
    assert used_since(here, last_used_s(here)) == ()
    assert set(used_since(here, before_s)) == set(before_s)
    assert used_since(here, {key().digest: last_used_s(here)[key().digest]}) == (key(variant="trt-int8").digest,)
