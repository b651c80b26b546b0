"""Building through the engine store, with a variant whose engine is a small file."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from perfkit.catalog.profile import ShapeProfile
from perfkit.record.facts import BuildFacts
from perfkit.store.engine_store import EngineStore
from perfkit.store.entry import file_sha256
from perfkit.variants.base import BuildRequest, Built, StoredVariant, VariantBroken
from perfkit.variants.build import build_variant, key_of
from tests.store.support import SIGNING
from tests.variants.requests import PLAIN, BuiltNumber, request_for

if TYPE_CHECKING:
    from pathlib import Path


class Numbered(StoredVariant):
    """Each build gives another engine, as builders that time kernels do."""

    name = "numbered"
    cosine_bound = 0.9

    def __init__(self, **parts: str) -> None:
        self.parts = parts
        self.builds: list[BuiltNumber] = []
        self.fails: set[str] = set()

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        return {"library": "1.0", **self.parts}

    def build(self, request: BuildRequest) -> Built:
        self._may_fail("build")
        number = float(len(self.builds) + 1)
        self.builds.append(BuiltNumber(number, BuildFacts(build_s=90.0, engine_sha256=str(number), notes=["its own"])))
        return self.builds[-1]

    def save(self, built: Built, folder: Path) -> None:
        assert isinstance(built, BuiltNumber)
        (folder / "number").write_text(str(built.number))
        self._may_fail("save")

    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        self._may_fail("load")
        return BuiltNumber(float((folder / "number").read_text()), facts)

    def _may_fail(self, step: str) -> None:
        if step in self.fails:
            raise RuntimeError(f"can't {step}\nand a second line")


class Branching(nn.Module):
    """No graph: which way it goes depends on the picture."""

    def forward(self, images: Tensor) -> Tensor:
        return images if images.sum() > 0 else -images


def answer(built: Built) -> float:
    return float(built.call(torch.ones(1)))


@pytest.mark.case("B10")
def test_an_engine_is_built_once_and_loaded_ever_after(request_: BuildRequest, store: EngineStore) -> None:
    variant = Numbered()
    first = build_variant(variant, request_, store).built
    assert first is not variant.builds[0]  # what is measured is what the store holds, the first night too
    assert variant.builds[0].closed
    assert (first.facts.from_store, first.facts.notes) == (False, ["its own"])
    for _ in range(2):
        later = build_variant(Numbered(), request_, store).built
        assert answer(later) == answer(first) == 1
        assert (later.facts.from_store, later.facts.build_s, later.facts.engine_sha256) == (True, 90.0, "1.0")
        assert later.facts.load_s is not None
        assert later.facts.notes == ["its own"]


def test_without_a_store_everything_is_built(request_: BuildRequest) -> None:
    variant = Numbered()
    assert [answer(build_variant(variant, request_).built) for _ in range(2)] == [1, 2]
    assert build_variant(variant, request_).built.facts.from_store is None


@pytest.mark.case("B10")
def test_rebuild_builds_anew_and_leaves_the_store_as_it_was(request_: BuildRequest, store: EngineStore) -> None:
    variant = Numbered()
    build_variant(variant, request_, store)
    anew = build_variant(variant, request_, store, rebuild=True).built
    assert answer(anew) == 2
    assert anew.facts.from_store is None
    assert anew.facts.notes == ["its own", "built anew on purpose; the store is as it was"]
    assert answer(build_variant(variant, request_, store).built) == 1


@pytest.mark.case("B14")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("label", "another"),
        ("weights_sha256", "1" * 64),
        ("machine", {"hardware": "Another CPU"}),
        ("profile", ShapeProfile(min=(1, 3, 8, 8), opt=(1, 3, 8, 8), max=(1, 3, 16, 16))),
        ("model", nn.Sequential(nn.Flatten(), nn.ReLU()).eval()),
    ],
)
def test_whatever_shapes_an_engine_is_in_its_key(
    request_: BuildRequest, store: EngineStore, field: str, value: Any
) -> None:
    other = dataclasses.replace(request_, **{field: value})
    assert key_of(Numbered(), other).digest != key_of(Numbered(), request_).digest
    variant = Numbered()
    build_variant(variant, request_, store)
    assert answer(build_variant(variant, other, store).built) == 2


@pytest.mark.case("B05")
def test_another_library_builds_anew_and_says_what_differs(request_: BuildRequest, store: EngineStore) -> None:
    build_variant(Numbered(), request_, store)
    newer = build_variant(Numbered(library="1.1"), request_, store).built
    assert newer.facts.from_store is False
    assert newer.facts.notes == ["its own", "built, for the store's engine is of another key: library 1.0 -> 1.1"]
    # Neither displaces the other, and going back costs nothing.
    assert build_variant(Numbered(), request_, store).built.facts.from_store is True
    assert build_variant(Numbered(library="1.1"), request_, store).built.facts.from_store is True


@pytest.mark.case("B05")
def test_a_damaged_entry_is_rebuilt_and_said_so(request_: BuildRequest, store: EngineStore) -> None:
    variant = Numbered()
    build_variant(variant, request_, store)
    entry = store.find(key_of(variant, request_))
    assert entry is not None
    (entry.folder / "number").write_text("7.0")
    mended = build_variant(variant, request_, store).built
    assert answer(mended) == 2
    assert mended.facts.notes == [
        "its own",
        "built, for the store's entry is damaged: the checksum of number differs",
    ]
    assert answer(build_variant(variant, request_, store).built) == 2


def test_no_byte_of_an_entry_that_nobody_vouches_for_reaches_the_library(
    request_: BuildRequest, store: EngineStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_variant(Numbered(), request_, store).built
    keyed = EngineStore(tmp_path / "cache", 2**30, SIGNING)
    loaded: list[str] = []
    load = Numbered.load

    def watched(self: Numbered, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        loaded.append((folder / "number").read_text())
        return load(self, request, folder, facts)

    monkeypatch.setattr(Numbered, "load", watched)
    variant = Numbered()
    variant.builds = [BuiltNumber(0.0, BuildFacts(build_s=1))]  # so that the next one isn't called 1.0 as well
    anew = build_variant(variant, request_, keyed).built
    assert (answer(first), answer(anew), loaded) == (1, 2, ["2.0"])
    assert anew.facts.notes[1].startswith("built, for the store's entry isn't trusted: it isn't signed, and PERFKIT_")
    again = build_variant(Numbered(), request_, keyed).built
    assert (again.facts.from_store, loaded) == (True, ["2.0", "2.0"])


def test_a_record_says_which_entry_was_measured(request_: BuildRequest, store: EngineStore) -> None:
    built = build_variant(Numbered(), request_, store).built
    entry = store.find(key_of(Numbered(), request_))
    assert entry is not None
    assert built.facts.engine_manifest_sha256 == entry.manifest_sha256 == file_sha256(entry.folder / "manifest.json")
    assert build_variant(Numbered(), request_).built.facts.engine_manifest_sha256 is None


@pytest.mark.case("B05")
def test_an_engine_that_wont_load_is_rebuilt(request_: BuildRequest, store: EngineStore) -> None:
    """And measured as it was built, if the new one won't load either."""
    variant = Numbered()
    build_variant(variant, request_, store)
    variant.fails = {"load"}
    built = build_variant(variant, request_, store).built
    assert built is variant.builds[-1]
    assert answer(built) == 2
    assert built.facts.from_store is None
    assert built.facts.notes == [
        "its own",
        "stored, but can't be loaded; measured as it was built: RuntimeError: can't load",
        "built, for the store's entry can't be loaded: RuntimeError: can't load",
    ]


def test_an_engine_that_cant_be_saved_is_measured_all_the_same(request_: BuildRequest, store: EngineStore) -> None:
    variant = Numbered()
    variant.fails = {"save"}
    built = build_variant(variant, request_, store).built
    assert answer(built) == 1
    assert built.facts.notes == ["its own", "not stored: RuntimeError: can't save"]
    assert store.entries() == []


def test_what_the_backend_warned_of_is_told_every_night(request_: BuildRequest, store: EngineStore) -> None:
    class Talkative(Numbered):
        def build(self, request: BuildRequest) -> Built:
            warnings.warn("returning the original module", stacklevel=1)
            return super().build(request)

    for _ in range(2):
        notes = build_variant(Talkative(), request_, store).built.facts.notes
        assert notes == ["its own", "returning the original module"]


@pytest.mark.parametrize("kind", ["stored", "rebuilt", "without a graph"])
def test_builds_hold_the_lock_of_builds(request_: BuildRequest, store: EngineStore, kind: str, tmp_path: Path) -> None:
    held = []

    class Looking(Numbered):
        def build(self, request: BuildRequest) -> Built:
            code = "import sys; from filelock import FileLock; FileLock(sys.argv[1], timeout=0).acquire()"
            lock = str(tmp_path / "cache" / "locks" / "build.lock")
            held.append(subprocess.run([sys.executable, "-c", code, lock], capture_output=True, check=False).returncode)
            return super().build(request)

    if kind == "without a graph":
        request_ = dataclasses.replace(request_, model=Branching().eval())
    build_variant(Looking(), request_, store, rebuild=kind == "rebuilt")
    assert held == [1]


@pytest.mark.case("D06")
def test_d06_a_model_that_cant_serve_its_smallest_shape_itself_is_no_fault_of_the_builder(tmp_path: Path) -> None:
    """As VGG and SqueezeNet with pictures that their pooling leaves nothing of; no builder's message says so."""
    pooled = nn.Sequential(nn.MaxPool2d(8), nn.MaxPool2d(8)).eval()
    profile = ShapeProfile(min=(1, 3, 32, 32), opt=(1, 3, 64, 64), max=(1, 3, 64, 64))
    variant = Numbered()
    with pytest.raises(VariantBroken, match=r"the model can't serve 1x3x32x32, its profile's smallest: RuntimeError: "):
        build_variant(variant, request_for(pooled, profile, PLAIN, tmp_path))
    assert variant.builds == []
    build_variant(variant, request_for(nn.MaxPool2d(8).eval(), profile, PLAIN, tmp_path))
    assert len(variant.builds) == 1


def test_a_failed_build_comes_through_and_stores_nothing(request_: BuildRequest, store: EngineStore) -> None:
    variant = Numbered()
    variant.fails = {"build"}
    with pytest.raises(RuntimeError, match="can't build"):
        build_variant(variant, request_, store)
    assert store.entries() == []


def test_a_store_that_cant_be_written_costs_a_build_and_no_more(request_: BuildRequest, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    unwritable = EngineStore(tmp_path / "file", 2**30)
    assert answer(build_variant(Numbered(), request_, unwritable, rebuild=True).built) == 1
    built = build_variant(Numbered(), request_, unwritable).built
    assert answer(built) == 1
    (note,) = [note for note in built.facts.notes if note.startswith("not stored: ")]
    assert "Error" in note


def test_a_model_without_a_graph_is_built_every_time(request_: BuildRequest, store: EngineStore) -> None:
    other = dataclasses.replace(request_, model=Branching().eval())
    variant = Numbered()
    for number in (1, 2):
        built = build_variant(variant, other, store).built
        assert answer(built) == number
        assert built.facts.notes[1].startswith("not stored: ")
    assert store.entries() == []
