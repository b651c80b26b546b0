"""``perfkit engines export``: engines into one file, for a machine of the same kind."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from perfkit.cli.engines.common import CacheOption, NamesArgument, chosen_entries, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.exit_codes import ExitCode
from perfkit.store.archive import export_entries


def export_engines(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="The tar file to write.")],
    names: NamesArgument = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write engines, checked, into a new tar FILE.

    Where PERFKIT_ENGINE_KEY_FILE names a key, they are signed with it, and those that aren't are refused. Engines
    without a signature can be imported only where a reviewed baseline names them.
    """
    store = open_store(cache)
    entries = chosen_entries(store, names)
    export_entries(entries, archive, store.key)
    size_bytes = sum(entry.size_bytes for entry in entries)
    signed = store.key is not None
    if as_json:
        told = {"archive": str(archive), "size_bytes": size_bytes, "signed": signed}
        write(json.dumps({**told, "engines": [named(entry) for entry in entries]}, indent=2) + "\n")
    else:
        plural = "" if len(entries) == 1 else "s"
        how = "signed" if signed else "not signed"
        write(f"wrote {archive}: {len(entries)} engine{plural}, {decimal(size_bytes)}, {how}\n")
    return ExitCode.PASS
