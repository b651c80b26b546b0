"""``perfkit engines import``: engines from a file that export wrote."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.engines.common import CacheOption, line_of, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.exit_codes import ExitCode
from perfkit.store.archive import import_entries


def import_engines(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="The tar file that export wrote.")],
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> int:
    """Add the engines of FILE to the store, all of them or none.

    Some libraries unpickle their engines, and unpickling runs code: import only what you would install.
    """
    added, known = import_entries(open_store(cache), archive)
    if as_json:
        write(json.dumps({"added": [*map(named, added)], "known": [*map(named, known)]}, indent=2) + "\n")
        return ExitCode.PASS
    for entry in added:
        write(f"{line_of(entry)}  added\n")
    for entry in known:
        write(f"{line_of(entry)}  there already\n")
    return ExitCode.PASS
