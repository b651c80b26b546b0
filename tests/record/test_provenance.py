from __future__ import annotations

import datetime as dt
import subprocess
from typing import TYPE_CHECKING

import pytest

from perfkit.record.provenance import moment, now, today, who

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


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2030-01-09T02:14:09+00:00", 2), ("2030-01-09T02:14:09", 2), ("2030-01-09T02:14:09.120331+02:00", 0)],
)
def test_a_date_without_a_zone_is_utc(text: str, hour: int) -> None:
    found = moment(text)
    assert found is not None
    assert found.astimezone(dt.UTC).hour == hour


def test_what_is_no_date_is_none() -> None:
    assert moment("tonight") is None
    assert moment("0001-01-01T00:00:00+14:00") is None
    assert moment("9999-12-31T23:59:59-14:00") is None
    assert moment(now()) is not None
    assert (dt.datetime.now(dt.UTC).date() - today()).days in (0, 1)
