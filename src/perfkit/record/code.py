"""Of which code a run is: what decides what is measured, beside what it is asked for."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

from perfkit.catalog.config import load_config

if TYPE_CHECKING:
    from pathlib import Path

_DIGITS = 12


def code_in(folder: Path) -> dict[str, str]:
    """Commit, changes of tracked files, and configuration of the project in a folder.

    Raises UserError for a configuration that can't be read.
    """
    config = hashlib.sha256(load_config(folder).model_dump_json().encode()).hexdigest()
    changes = _git(folder, "diff", "HEAD")
    return {
        "commit": _git(folder, "rev-parse", "HEAD").decode().strip()[:_DIGITS],
        "uncommitted changes": hashlib.sha256(changes).hexdigest()[:_DIGITS] if changes else "none",
        "configuration": config[:_DIGITS],
    }


def _git(folder: Path, *arguments: str) -> bytes:
    """What git says; nothing where it isn't there or this is no repository with a commit."""
    try:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603 - the git of the PATH
    except (OSError, subprocess.CalledProcessError):
        return b""
