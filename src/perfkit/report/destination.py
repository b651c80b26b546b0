"""Where a report goes: ``FORMAT:PATH``, checked before hours of measuring, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perfkit.errors import UserError
from perfkit.report.exporter import Format, check_format
from perfkit.untrusted import exists, is_folder

if TYPE_CHECKING:
    from collections.abc import Sequence


class Destination(NamedTuple):
    """A format, and the file to write it to."""

    form: Format
    path: Path


def parse_destinations(texts: Sequence[str], option: str) -> tuple[Destination, ...]:
    """``FORMAT:PATH`` each; `option` names in errors where they were given.

    Raises UserError for an unknown format, one whose library isn't installed, a file that couldn't be written, and a
    file that is given twice.
    """
    found: list[Destination] = []
    for text in texts:
        name, colon, path = text.partition(":")
        if not colon or not path:
            raise UserError(f"{option}: {text!r} is not FORMAT:PATH, such as html:report.html")
        if name not in list(Format):
            raise UserError(f"{option}: there is no format {name!r}; there are {', '.join(Format)}")
        destination = Destination(Format(name), Path(path))
        try:
            check_format(destination.form)
            check_writable(destination.path)
        except UserError as error:
            raise UserError(f"{option}: {error}") from None
        if any(destination.path.absolute() == other.path.absolute() for other in found):
            raise UserError(f"{option}: {path} is given twice; each report needs a file of its own")
        found.append(destination)
    return tuple(found)


def check_writable(path: Path) -> None:
    """Raises UserError where a file at `path` couldn't be written now. Makes nothing."""
    if is_folder(path):
        raise UserError(f"{path}: is a folder; name a file")
    folder = path.absolute().parent
    while not exists(folder):
        folder = folder.parent
    if not is_folder(folder):
        raise UserError(f"{path}: cannot be written: {folder} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{path}: cannot be written: {folder} can't be written to")


def write_whole(path: Path, content: bytes) -> None:
    """Puts a file in the place of the old one, which stays where the new one can't be written; makes its folder.

    Raises UserError.
    """
    # No part of the name itself: it may be as long as names can be.
    temporary = path.with_name(f".perfkit-{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error
