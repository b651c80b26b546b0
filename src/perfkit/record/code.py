"""Of which code a run is: what decides what is measured, beside what it is asked for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from perfkit.catalog.config import load_config
from perfkit.record.git import git_if_it_can

if TYPE_CHECKING:
    from pathlib import Path

_DIGITS = 12


def code_in(folder: Path) -> dict[str, str]:
    """Commit, changes of tracked files, and configuration of the project in a folder.

    Raises UserError for a configuration that can't be read.
    """
    config = hashlib.sha256(load_config(folder).model_dump_json().encode()).hexdigest()
    changes = git_if_it_can(folder, "diff", "HEAD")
    return {
        "commit": git_if_it_can(folder, "rev-parse", "HEAD").decode().strip()[:_DIGITS],
        "uncommitted changes": hashlib.sha256(changes).hexdigest()[:_DIGITS] if changes else "none",
        "configuration": config[:_DIGITS],
    }
