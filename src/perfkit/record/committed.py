"""Of which commit a baseline's file is, and whether the base branch has the same: who judges whom."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from perfkit.errors import UserError
from perfkit.record.git import git_text

_BASE_OF_GITHUB = "GITHUB_BASE_REF"
"""GitHub Actions name the branch that a pull request would go into."""
_REMOTES_OWN = "origin/HEAD"
_USUAL_BASES = (_REMOTES_OWN, "origin/main", "origin/master", "main", "master")
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Committed:
    """A file as git has it."""

    commit: str | None
    """The last one that changed it, in twelve digits; None where it was never committed."""
    is_changed: bool
    """The working tree has another content than that commit."""
    base: str | None
    """The branch that changes go into; None where none is known here."""
    is_as_in_base: bool | None
    """Whether the base has the same content; None without a base."""


def committed(path: Path, ref: str | None = None) -> Committed | None:
    """What git has of a file, in the working tree or at `ref`; None where it lies in no repository or git isn't there.

    The base branch is the one that GITHUB_BASE_REF names alone; without it the remote's own, main or master.
    """
    folder = path.absolute().parent
    existing = next(each for each in (folder, *folder.parents) if each.is_dir())
    try:
        top = git_text(existing, "rev-parse", "--show-toplevel").rstrip("\n")
        inside = os.path.relpath(path.resolve(), os.path.realpath(top))
        last = git_text(Path(top), "log", "-1", "--format=%H", *([ref] if ref else []), "--", inside).strip()
    except UserError:
        return None
    own = _blob(existing, f"{ref or 'HEAD'}:{inside}")
    here = own if ref else git_text(existing, "hash-object", "--", str(path.absolute())).strip()
    base = _base(existing)
    return Committed(
        commit=last[:_DIGITS] or None,
        is_changed=own != here,
        base=base,
        is_as_in_base=None if base is None else _blob(existing, f"{base}:{inside}") == here,
    )


def _base(folder: Path) -> str | None:
    asked = os.environ.get(_BASE_OF_GITHUB)
    candidates = (f"origin/{asked}", asked) if asked else _USUAL_BASES
    found = next((name for name in candidates if _blob(folder, f"{name}^{{commit}}")), None)
    # By the name of the branch that it stands for.
    return git_text(folder, "rev-parse", "--abbrev-ref", _REMOTES_OWN).strip() if found == _REMOTES_OWN else found


def _blob(folder: Path, name: str) -> str:
    try:
        return git_text(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", name).strip()
    except UserError:
        return ""
