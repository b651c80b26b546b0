"""Asking git: what it prints in a folder."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from perfkit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path


class GitRefused(UserError):
    """git ran and refused."""

    def __init__(self, message: str, said: str) -> None:
        """Keep all that it said, for the last line doesn't always have the reason."""
        super().__init__(message)
        self.said = said


def git(folder: Path, *arguments: str) -> bytes:
    """What git prints in a folder. Raises GitRefused where it refuses, another UserError where it isn't installed."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=True)  # noqa: S603  (no shell)
    except OSError as error:
        raise UserError("git is not installed, or can't be started") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).decode("utf-8", "replace").strip()
        last_line = said.rpartition("\n")[2]
        raise GitRefused(f"git {arguments[0]} refuses: {last_line}", said) from error
    return done.stdout


def git_text(folder: Path, *arguments: str) -> str:
    """The same as text, whatever bytes names have."""
    return git(folder, *arguments).decode("utf-8", "surrogateescape")


def git_if_it_can(folder: Path, *arguments: str) -> bytes:
    """The same; nothing where git refuses or isn't there."""
    try:
        return git(folder, *arguments)
    except UserError:
        return b""
