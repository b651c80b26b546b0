"""What the commands of ``perfkit engines`` share: which store, and how an entry is told in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from perfkit.catalog.config import load_config
from perfkit.errors import UserError
from perfkit.store.engine_store import EngineStore, cache_folder
from perfkit.store.entry import Damaged, Entry
from perfkit.store.signature import check_trusted, signing_key

_SHORTEST_DIGEST = 6

CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="The folder of engines and timing caches.  [default: $PERFKIT_CACHE, else .perfkit in this folder]",
    ),
]

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Digests (6 digits will do) or MODEL/VARIANT.  [default: all]"),
]


def open_store(cache: Path | None) -> EngineStore:
    """The store that a run in this folder would use, with the limit of its configuration and the user's key.

    Raises UserError when configuration or key can't be read.
    """
    here = Path.cwd()
    folder = cache if cache is not None else cache_folder(here)
    return EngineStore(folder, load_config(here).store.max_bytes, signing_key())


def damage_of(entry: Entry | Damaged) -> str:
    """What is wrong with an entry, every file checked; "" for a sound one."""
    if isinstance(entry, Damaged):
        return str(entry)
    try:
        entry.verify()
    except Damaged as damage:
        return str(damage)
    return ""


def distrust_of(entry: Entry, store: EngineStore) -> str:
    """Why a sound entry isn't loaded from this store; "" for one that is."""
    try:
        check_trusted(entry, store.key)
    except Damaged as why:
        return str(why)
    return ""


def chosen_entries(store: EngineStore, names: list[str] | None) -> list[Entry]:
    """The entries of these names, or all of them; last used first.

    Raises UserError for a name that none has, and where there is none at all.
    """
    entries = [entry for _, entry in store.entries() if isinstance(entry, Entry)]
    for name in names or ():
        if not any(is_named(entry, name) for entry in entries):
            raise UserError(f"no engine is named {name!r}; see perfkit engines list")
    if not entries:
        raise UserError("the store holds no engine; a run with --benchmark-autosave builds them")
    return [entry for entry in entries if not names or any(is_named(entry, name) for name in names)]


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
