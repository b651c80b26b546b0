"""Reading files as they are in another commit, so that a change can't bring its own baseline."""

from __future__ import annotations

from pathlib import Path

from perfkit.errors import UserError
from perfkit.record.git import GitRefused, git, git_text
from perfkit.untrusted import check_size


def files_at(ref: str, folder: Path) -> dict[str, str]:
    """The files directly in `folder` as `ref` has them: name → object id, empty where it has none.

    `folder` need not exist in the working tree. Raises UserError when `ref` names no commit or
    `folder` lies outside a repository.
    """
    top, inside = _repository(folder)
    commit = _commit(top, ref)
    listing = git(top, "ls-tree", "-z", "--full-tree", commit, "--", f"{inside}/")
    found = {}
    for entry in listing.decode("utf-8", "surrogateescape").split("\0"):
        facts, _, path = entry.partition("\t")
        if path:
            _mode, kind, identity = facts.split()
            if kind == "blob":
                found[path.rpartition("/")[2]] = identity
    return found


def read_blob(folder: Path, identity: str, source: str) -> bytes:
    """The content of an object that :func:`files_at` named in the repository around `folder`.

    Raises UserError, which calls it `source`, where it is larger than a record can be.
    """
    top, _ = _repository(folder)
    check_size(int(git(top, "cat-file", "-s", identity)), source, too_large="no baseline of perfkit's")
    return git(top, "cat-file", "blob", identity)


def _repository(folder: Path) -> tuple[Path, str]:
    """The top folder of the repository around `folder`, and `folder` relative to it."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    try:
        top = Path(git_text(existing, "rev-parse", "--show-toplevel").rstrip("\n"))
    except GitRefused as error:
        raise UserError(f"{folder}: lies in no git repository, git:REF can't be read") from error
    return top, folder.resolve().relative_to(top.resolve()).as_posix()


def _commit(top: Path, ref: str) -> str:
    # A name that starts with a dash would be an option; git allows no such branch either.
    if not ref or ref.startswith("-") or not ref.isprintable():
        raise UserError(f"git:{ref!s}: names no commit")
    try:
        found = git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except GitRefused as error:
        raise UserError(f"git:{ref}: names no commit here; fetch it first (git fetch origin {ref})") from error
    return found.decode("ascii").strip()
