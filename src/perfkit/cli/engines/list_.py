"""``perfkit engines list``: what the store holds, last used first."""

import datetime as dt
import json
from typing import Annotated, Any

import typer
from rich.filesize import decimal

from perfkit.cli.engines.common import CacheOption, line_of, open_store
from perfkit.cli.output import write
from perfkit.exit_codes import ExitCode
from perfkit.store.entry import Damaged, Entry


def list_engines(
    cache: CacheOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with whole keys and facts.")] = False,
) -> int:
    """List the engines, last used first. Files aren't checked: see verify."""
    store = open_store(cache)
    found = store.entries()
    if as_json:
        write(json.dumps([_as_json(digest, entry) for digest, entry in found], indent=2) + "\n")
        return ExitCode.PASS
    for digest, entry in found:
        if isinstance(entry, Damaged):
            write(f"{digest[:12]}  damaged: {entry}\n")
        else:
            write(f"{line_of(entry)}  used {_time(entry)}\n")
    total_bytes = sum(entry.size_bytes for _, entry in found if isinstance(entry, Entry))
    plural = "" if len(found) == 1 else "s"
    write(f"{len(found)} engine{plural}, {decimal(total_bytes)} of {decimal(store.max_bytes)}\n")
    return ExitCode.PASS


def _as_json(digest: str, entry: Entry | Damaged) -> dict[str, Any]:
    if isinstance(entry, Damaged):
        return {"digest": digest, "damaged": str(entry)}
    return {"digest": digest, "last_used": _time(entry), **entry.manifest.model_dump(mode="json")}


def _time(entry: Entry) -> str:
    return dt.datetime.fromtimestamp(entry.last_used_s, dt.UTC).isoformat(timespec="seconds")
