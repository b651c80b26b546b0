from __future__ import annotations

import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from perfkit.errors import UserError
from perfkit.record.write import write_json_atomic

if TYPE_CHECKING:
    from pathlib import Path


def test_it_writes_what_json_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    write_json_atomic(path, {"é": [1.5, None]})
    assert json.loads(path.read_text(encoding="utf-8")) == {"é": [1.5, None]}
    assert path.read_text().endswith("\n")
    assert list(path.parent.iterdir()) == [path]


def test_the_old_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text("old")
    write_json_atomic(path, [])
    assert path.read_text() == "[]\n"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_json_leaves_the_old_file(tmp_path: Path, number: float) -> None:
    path = tmp_path / "file.json"
    path.write_text("old")
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json_atomic(path, {"time_s": number})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.case("A09")
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    path.write_text("old")

    def interrupted(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_json_atomic(path, [1])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UserError, match=r"file/x\.json: cannot be written: "):
        write_json_atomic(tmp_path / "file" / "x.json", [])


def test_many_may_write_one_file_at_once(tmp_path: Path) -> None:
    """Also in containers that share a folder, where their process ids are alike."""
    path = tmp_path / "file.json"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(write_json_atomic, path), [[number] for number in range(40)]))
    assert len(json.loads(path.read_text())) == 1
    assert list(tmp_path.iterdir()) == [path]
