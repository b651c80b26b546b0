"""``perfkit engines export``: engines into one file, for a machine of the same kind."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from perfkit.cli.engines.common import CacheOption, is_named, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.store.archive import export_entries
from perfkit.store.entry import Entry


def export_engines(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="The tar file to write.")],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Digests (6 digits will do) or MODEL/VARIANT.  [default: all]"),
    ] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write engines, checked, into a new tar FILE."""
    entries = [entry for _, entry in open_store(cache).entries() if isinstance(entry, Entry)]
    if names:
        chosen = [entry for entry in entries if any(is_named(entry, name) for name in names)]
        unknown = [name for name in names if not any(is_named(entry, name) for entry in entries)]
        if unknown:
            raise UserError(f"no engine is named {unknown[0]!r}; see perfkit engines list")
        entries = chosen
    if not entries:
        raise UserError("the store holds no engine; a run with --benchmark-autosave builds them")
    export_entries(entries, archive)
    size_bytes = sum(entry.size_bytes for entry in entries)
    if as_json:
        told = {"archive": str(archive), "size_bytes": size_bytes, "engines": [named(entry) for entry in entries]}
        write(json.dumps(told, indent=2) + "\n")
    else:
        plural = "" if len(entries) == 1 else "s"
        write(f"wrote {archive}: {len(entries)} engine{plural}, {decimal(size_bytes)}\n")
    return ExitCode.PASS
