from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perfkit.store.key import EngineKey, source_sha256
from tests.store.support import key

if TYPE_CHECKING:
    from pathlib import Path

parts = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), min_size=1, max_size=6)


@given(parts, st.randoms())
def test_the_digest_follows_from_the_parts_in_any_order(named: dict[str, str], random: object) -> None:
    shuffled = list(named.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    digest = EngineKey(parts=named).digest
    assert EngineKey(parts=dict(shuffled)).digest == digest
    assert len(digest) == 64
    assert digest.isalnum()


@given(parts, parts)
def test_other_parts_have_another_digest(one: dict[str, str], other: dict[str, str]) -> None:
    first, second = EngineKey(parts=one), EngineKey(parts=other)
    assert (first.digest == second.digest) == (one == other)
    assert (first.differences(second) == []) == (one == other)


@given(parts, st.data())
def test_every_part_counts(named: dict[str, str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(named)))
    changed = {**named, name: named[name] + "x"}
    assert EngineKey(parts=changed).digest != EngineKey(parts=named).digest
    assert len(EngineKey(parts=changed).differences(EngineKey(parts=named))) == 1


def test_parts_cant_run_into_each_other() -> None:
    assert EngineKey(parts={"a": "b,c"}).digest != EngineKey(parts={"a": "b", "c": ""}).digest


def test_differences_are_told_from_old_to_new() -> None:
    old = key(weights_sha256="a" * 64, driver="575")
    new = key(weights_sha256="b" * 64, tensorrt="10.15")
    assert new.differences(old) == [
        "driver 575 -> (none)",
        "tensorrt 10.6 -> 10.15",
        "weights_sha256 aaaaaaaa -> bbbbbbbb",
    ]


def test_a_key_says_what_it_is_for() -> None:
    assert key().what == "resnet50/trt-fp16"
    assert key().same_purpose(key(tensorrt="11"))
    assert not key().same_purpose(key(model="resnet18"))
    assert EngineKey(parts={"driver": "575"}).what == "?/?"


def test_an_empty_key_is_none() -> None:
    with pytest.raises(ValidationError):
        EngineKey(parts={})


def test_changed_source_is_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "recipe_of_an_engine.py").write_text("OPTION = 1\n")
    import recipe_of_an_engine  # type: ignore[import-not-found]

    try:
        before = source_sha256(recipe_of_an_engine, pytest)
        assert source_sha256(recipe_of_an_engine, pytest) == before
        (tmp_path / "recipe_of_an_engine.py").write_text("OPTION = 2\n")
        assert source_sha256(recipe_of_an_engine, pytest) != before
    finally:
        del sys.modules["recipe_of_an_engine"]
