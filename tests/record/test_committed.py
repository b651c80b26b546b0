"""Of which commit a file is, and whether the base branch has the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from perfkit.record.committed import Committed, committed


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.invalid", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed file on main, and a branch of its own checked out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_BASE_REF", raising=False)
    path = Path("results/baselines/a.json")
    path.parent.mkdir(parents=True)
    path.write_text("1")
    git("init", "-q")
    git("add", "results")
    git("commit", "-qm", "first")
    git("checkout", "-qb", "change")
    return path


def head() -> str:
    return git("rev-parse", "HEAD")[:12]


def test_a_file_that_the_base_has_too(file: Path) -> None:
    first = head()
    git("commit", "-q", "--allow-empty", "-m", "another file")
    assert committed(file) == Committed(first, is_changed=False, base="main", is_as_in_base=True)


@pytest.mark.case("C17")
def test_a_file_that_the_change_brings_itself(file: Path) -> None:
    file.write_text("2")
    first = head()
    assert committed(file) == Committed(first, is_changed=True, base="main", is_as_in_base=False)
    git("commit", "-qam", "mine")
    assert committed(file) == Committed(head(), is_changed=False, base="main", is_as_in_base=False)
    assert committed(file, "main") == Committed(first, is_changed=False, base="main", is_as_in_base=True)


def test_a_new_file(file: Path) -> None:
    other = file.with_name("b.json")
    other.write_text("3")
    assert committed(other) == Committed(None, is_changed=True, base="main", is_as_in_base=False)


def test_the_base_is_what_the_pull_request_says(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("update-ref", "refs/remotes/origin/release", "HEAD")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    found = committed(file)
    assert found is not None
    assert found.base == "origin/main"
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/release")
    found = committed(file)
    assert found is not None
    assert found.base == "origin/release"
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    monkeypatch.setenv("GITHUB_BASE_REF", "release")
    found = committed(file)
    assert found is not None
    assert found.base == "origin/release"
    monkeypatch.setenv("GITHUB_BASE_REF", "not-fetched")
    found = committed(file)
    assert found is not None
    assert (found.base, found.is_as_in_base) == (None, None)


def test_without_a_base_nothing_is_said_of_it(file: Path) -> None:
    git("branch", "-qD", "main")
    assert committed(file) == Committed(head(), is_changed=False, base=None, is_as_in_base=None)


def test_outside_a_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text("1")
    assert committed(Path("a.json")) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert committed(Path("a.json")) is None
