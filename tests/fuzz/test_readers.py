"""What nobody should have written is refused in a line, by every reader: any bytes, any JSON, nearly valid files."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.errors import UserError
from tests.fuzz.mutate import VALUES, mutated
from tests.fuzz.readers import NAMES, Reader, readers

if TYPE_CHECKING:
    from collections.abc import Iterator

FOUND = Path(__file__).parent / "found"
each_reader = pytest.mark.parametrize("name", NAMES)
JSON = st.recursive(
    st.sampled_from(VALUES) | st.text(max_size=20) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
).map(lambda data: json.dumps(data).encode())


TABLE: dict[str, Reader] = {}
"""No fixture's value: of a test that fails Hypothesis prints all arguments, and the files are long."""


@pytest.fixture(scope="module", autouse=True)
def _table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    TABLE.update(readers(tmp_path_factory.mktemp("readers")))
    yield
    TABLE.clear()


def refused(reader: Reader, raw: bytes) -> bool:
    """Whether it was; every other exception comes through."""
    try:
        reader.read(raw)
    except UserError:
        return True
    return False


def test_the_table_is_whole() -> None:
    assert tuple(TABLE) == NAMES
    assert {path.name for path in FOUND.iterdir()} <= set(NAMES)


@each_reader
def test_valid_files_are_taken(name: str) -> None:
    """But for the archive that holds what no archive may."""
    outcomes = [refused(TABLE[name], seed) for seed in TABLE[name].seeds]
    assert outcomes == [False] * len(outcomes) if name != "archive" else [False, True]


@each_reader
def test_what_the_fuzzers_found_is_refused_or_taken(name: str) -> None:
    for path in sorted((FOUND / name).glob("*")):
        refused(TABLE[name], path.read_bytes())


@each_reader
@settings(max_examples=40)
@given(raw=st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | JSON)
def test_any_bytes(name: str, raw: bytes) -> None:
    refused(TABLE[name], raw)


@each_reader
@settings(max_examples=120)
@given(seed=st.integers(0, 2**32))
def test_nearly_valid_files(name: str, seed: int) -> None:
    reader, rng = TABLE[name], random.Random(seed)  # noqa: S311
    refused(reader, mutated(rng.choice(reader.seeds), reader.seeds, rng))
