from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from perfkit.errors import UserError
from perfkit.record.git import GitRefused, git, git_if_it_can, git_text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def test_what_git_prints_is_given_as_it_is(repository: Path) -> None:
    assert git(repository, "rev-parse", "--is-inside-work-tree") == b"true\n"
    (repository / "käse").touch()
    listed = git_text(repository, "-c", "core.quotePath=false", "status", "--porcelain")
    assert listed == "?? käse\n"


def test_a_refusal_is_gits_last_line(repository: Path) -> None:
    with pytest.raises(GitRefused, match=r"^git rev-parse refuses: \S[^\n]*$"):
        git(repository, "rev-parse", "--verify", "nowhere")
    assert git_if_it_can(repository, "rev-parse", "--verify", "nowhere") == b""


def test_git_that_isnt_there_is_no_refusal(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="git is not installed") as caught:
        git(repository, "status")
    assert not isinstance(caught.value, GitRefused)
    assert git_if_it_can(repository, "status") == b""
