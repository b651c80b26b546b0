from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from perfkit.record.provenance import who

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What git knows of its user, empty at first."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "gitconfig"
    path.touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return path


def test_git_knows_who(config: Path) -> None:
    config.write_text("[user]\n\tname = Ana Author\n")
    assert who() == "Ana Author"
    subprocess.run(["git", "config", "--global", "user.email", "ana@example.invalid"], check=True)
    assert who() == "Ana Author <ana@example.invalid>"


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("has_git", [True, False])
def test_else_the_system_does(monkeypatch: pytest.MonkeyPatch, has_git: bool) -> None:
    if not has_git:
        monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("getpass.getuser", lambda: "ben")
    assert who() == "ben"


@pytest.mark.usefixtures("config")
def test_a_user_without_a_name_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert who() == "unknown"
