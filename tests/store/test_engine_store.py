from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from perfkit.store.engine_store import EngineStore, cache_folder
from perfkit.store.entry import MANIFEST, Damaged, read_entry
from tests.store.support import FACTS, key, lose_the_manifest, new_store, put, writer

if TYPE_CHECKING:
    from collections.abc import Callable


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_what_was_put_is_found_again(tmp_path: Path) -> None:
    """By another store object, as by another process, with the facts of its build."""
    assert new_store(tmp_path).find(key()) is None
    new_store(tmp_path).put(key(), FACTS, 7, writer(("a.bin", b"engine"), ("b.json", b"{}")))
    entry = new_store(tmp_path).find(key())
    assert entry is not None
    assert (entry.folder / "a.bin").read_bytes() == b"engine"
    assert entry.manifest.facts == FACTS
    assert entry.manifest.peak_build_bytes == 7
    assert entry.size_bytes == 8
    assert entry.key == key()
    assert new_store(tmp_path).find(key(tensorrt="10.15")) is None


def test_a_put_replaces_the_whole_entry(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    store.put(key(), FACTS, None, writer(("old.bin", b"old")))
    entry = store.put(key(), FACTS, None, writer(("new.bin", b"new")))
    assert files_of(tmp_path / "engines") == {f"{key().digest}/new.bin", f"{key().digest}/{MANIFEST}"}
    entry.verify()


@pytest.mark.parametrize("there_before", [False, True])
@pytest.mark.parametrize("failure", [RuntimeError("no space"), KeyboardInterrupt()])
def test_a_put_that_fails_leaves_what_was(tmp_path: Path, there_before: bool, failure: BaseException) -> None:
    store = new_store(tmp_path)
    if there_before:
        put(store, key())

    def save(folder: Path) -> None:
        (folder / "engine.bin").write_bytes(b"half")
        raise failure

    before = files_of(tmp_path / "engines")
    with pytest.raises(type(failure)):
        store.put(key(), FACTS, None, save)
    assert files_of(tmp_path / "engines") == before
    assert (store.find(key()) is not None) is there_before


def save_nothing(folder: Path) -> None:
    pass


def save_a_folder(folder: Path) -> None:
    (folder / "inner").mkdir()


def save_a_link(folder: Path) -> None:
    (folder / "link").symlink_to(__file__)


@pytest.mark.parametrize("save", [save_nothing, save_a_folder, save_a_link])
def test_an_entry_is_made_of_plain_files(tmp_path: Path, save: Callable[[Path], None]) -> None:
    store = new_store(tmp_path)
    with pytest.raises(ValueError, match=r"plain files only|saved no file"):
        store.put(key(), FACTS, None, save)
    assert store.find(key()) is None


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    store = new_store(tmp_path, max_bytes=12)
    keys = [key(tensorrt=str(version)) for version in range(3)]
    for age_s, one in zip((300, 200), keys, strict=False):
        entry = put(store, one)
        os.utime(entry.folder / MANIFEST, (time.time() - age_s,) * 2)
    assert store.find(keys[0]) is not None  # used again: keys[1] is now the oldest
    put(store, keys[2])
    assert [store.find(one) is not None for one in keys] == [True, False, True]


def test_what_was_just_put_stays_even_over_the_limit(tmp_path: Path) -> None:
    store = new_store(tmp_path, max_bytes=1)
    put(store, key(tensorrt="1"))
    put(store, key(tensorrt="2"))
    assert [entry.key for _, entry in store.entries() if not isinstance(entry, Damaged)] == [key(tensorrt="2")]


def test_what_another_process_works_on_isnt_evicted(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    put(store, key())
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, filelock\nwith filelock.FileLock(sys.argv[1]): print('held', flush=True); sys.stdin.read()",
            str(tmp_path / "locks" / f"{key().digest}.lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        store.max_bytes = 0
        assert store.evict() == []
    finally:
        holder.communicate()
    assert [entry.key for entry in store.evict()] == [key()]


def _build_once(folder: Path, log: Path, barrier: Any) -> None:
    store = EngineStore(folder, 2**30)
    barrier.wait()
    with store.lock(key()):
        if store.find(key()) is None:
            with store.building(), log.open("a") as file:
                file.write("built\n")
            put(store, key())


def test_of_two_processes_that_want_an_engine_one_builds(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, log = context.Barrier(3), tmp_path / "log"
    processes = [context.Process(target=_build_once, args=(tmp_path, log, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert log.read_text() == "built\n"


def test_one_build_at_a_time(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with store.building():
        code = "import sys; from filelock import FileLock; FileLock(sys.argv[1], timeout=0).acquire()"
        lock = str(tmp_path / "locks" / "build.lock")
        assert subprocess.run([sys.executable, "-c", code, lock], capture_output=True, check=False).returncode == 1
    assert subprocess.run([sys.executable, "-c", code, lock], capture_output=True, check=False).returncode == 0


def test_what_was_used_meanwhile_stays(tmp_path: Path) -> None:
    """Another process may use or mend an entry between the listing and the removal."""
    store = new_store(tmp_path)
    entry = put(store, key())
    os.utime(entry.folder / MANIFEST, (1e9, 1e9))
    (listed,) = [found for _, found in store.entries()]
    assert new_store(tmp_path).find(key()) is not None
    assert not store.remove_if(key().digest, lambda now: now == listed)
    assert store.remove_if(key().digest, lambda now: now != listed)


def test_an_entry_that_vanishes_while_it_is_read_is_damaged_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(tmp_path)
    put(store, key())
    sound = read_entry

    def vanishing(folder: Path) -> Any:
        lose_the_manifest(folder)
        return sound(folder)

    monkeypatch.setattr("perfkit.store.engine_store.read_entry", vanishing)
    ((_, found),) = store.entries()
    assert isinstance(found, Damaged)


def test_another_users_engine_is_loaded_though_it_cant_be_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_store(tmp_path)
    put(store, key())

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    assert store.find(key()) is not None


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    code = (
        "import os, sys, pathlib; from tests.store.support import key, new_store, FACTS\n"
        "store = new_store(pathlib.Path(sys.argv[1]))\n"
        "store.put(key(), FACTS, None, lambda folder: os._exit(9))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False)
    assert killed.returncode == 9
    (left,) = (tmp_path / "engines").iterdir()
    assert store.entries() == []
    store.evict()
    assert left.exists(), "another process may still be writing it"
    os.utime(left, (time.time() - 2 * 24 * 3600,) * 2)
    store.evict()
    assert not left.exists()


def test_why_an_engine_is_missing_is_told_by_the_most_alike(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    assert store.why_missing(key()) == ""
    put(store, key(tensorrt="8.6", hardware="Another GPU"))
    put(store, key(tensorrt="10.5"))
    put(store, key(model="resnet18"))
    assert store.why_missing(key()) == "tensorrt 10.5 -> 10.6"
    assert store.why_missing(key(model="vit_b_16")) == ""


def test_entries_are_listed_last_used_first_and_damaged_ones_last(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for version in range(3):
        entry = put(store, key(tensorrt=str(version)))
        os.utime(entry.folder / MANIFEST, (1e9 + version,) * 2)
    lose_the_manifest(tmp_path / "engines" / key(tensorrt="1").digest)
    found = [digest for digest, _ in store.entries()]
    assert found == [key(tensorrt=version).digest for version in ("2", "0", "1")]
    assert isinstance(store.entries()[-1][1], Damaged)
    assert new_store(tmp_path / "nothing").entries() == []


def test_the_cache_is_beside_the_project_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PERFKIT_CACHE", raising=False)
    assert cache_folder(tmp_path) == tmp_path / ".perfkit"
    monkeypatch.setenv("PERFKIT_CACHE", "")
    assert cache_folder(tmp_path) == tmp_path / ".perfkit"
    monkeypatch.setenv("PERFKIT_CACHE", "/elsewhere")
    assert cache_folder(tmp_path) == Path("/elsewhere")


def test_who_waits_for_anothers_build_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a supervisor takes the waiting for a case that hangs."""
    monkeypatch.setattr("perfkit.store.engine_store._LOOK_AGAIN_S", 0.05)
    signs: list[int] = []

    def still_waits() -> None:
        signs.append(1)
        if len(signs) == 3:
            other.release()

    store = EngineStore(tmp_path, 2**30, still_waits=still_waits)
    (tmp_path / "locks").mkdir()
    other = FileLock(tmp_path / "locks" / "build.lock", is_singleton=False)
    other.acquire()
    with store.building():
        pass
    assert len(signs) == 3
