from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from perfkit.errors import UserError
from perfkit.record.lock import locked_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_is_made_held_and_let_go(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "baselines"
    with locked_folder(folder):
        assert not is_free(folder)
    assert is_free(folder)
    with pytest.raises(ZeroDivisionError), locked_folder(folder):
        raise ZeroDivisionError
    assert is_free(folder)
    assert list(folder.iterdir()) == []


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match="file/baselines: cannot be written: "),
        locked_folder(tmp_path / "file/baselines"),
    ):
        pass


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_descriptor: int, _operation: int) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(fcntl, "flock", refused)
    with pytest.raises(UserError, match="cannot be locked: Bad file descriptor; use a"), locked_folder(tmp_path):
        pass


def is_free(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)
