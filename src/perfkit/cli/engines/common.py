"""What the commands of ``perfkit engines`` share: which store, and how an entry is told in a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.filesize import decimal

from perfkit.catalog.config import load_config
from perfkit.store.engine_store import EngineStore, cache_folder
from perfkit.store.entry import Damaged

if TYPE_CHECKING:
    from perfkit.store.entry import Entry

_SHORTEST_DIGEST = 6

CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="The folder of engines and timing caches.  [default: $PERFKIT_CACHE, else .perfkit in this folder]",
    ),
]


def open_store(cache: Path | None) -> EngineStore:
    """The store that a run in this folder would use, with the limit of its configuration.

    Raises UserError when the configuration can't be read.
    """
    here = Path.cwd()
    return EngineStore(cache if cache is not None else cache_folder(here), load_config(here).store.max_bytes)


def damage_of(entry: Entry | Damaged) -> str:
    """What is wrong with an entry, every file checked; "" for a sound one."""
    if isinstance(entry, Damaged):
        return str(entry)
    try:
        entry.verify()
    except Damaged as damage:
        return str(damage)
    return ""


def is_named(entry: Entry, name: str) -> bool:
    """Whether a user who wrote this meant the entry: its digest, 6 digits will do, or MODEL/VARIANT."""
    return name == entry.key.what or (len(name) >= _SHORTEST_DIGEST and entry.folder.name.startswith(name))


def named(entry: Entry) -> dict[str, str]:
    """An entry for scripts: its whole digest and MODEL/VARIANT."""
    return {"digest": entry.folder.name, "what": entry.key.what}


def line_of(entry: Entry) -> str:
    """An entry in one line: digest, what it is, its size, where it was built for."""
    parts = entry.key.parts
    return (
        f"{entry.folder.name[:12]}  {entry.key.what:<36}  {decimal(entry.size_bytes):>9}  "
        f"{parts.get('profile', '')}  {parts.get('hardware', '')}"
    )
