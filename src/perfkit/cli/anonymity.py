"""What ``--anonymize`` means to the commands that have it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perfkit.record.anonymous import Anonymizer

AnonymizeOption = Annotated[
    bool,
    typer.Option("--anonymize", help="Pseudonyms instead of hosts, users, folders, addresses and UUIDs."),
]
_PERSON = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<email>[^<>]*)>")


def project_anonymizer(hosts: Iterable[str] = (), people: Iterable[str] = ()) -> Anonymizer:
    """With the key of this folder's cache; knows this machine and its user besides those given.

    People are names, or ``name <email>`` as git has them. Raises UserError where the key can't be kept.
    """
    # Most reports are for who made them, and do without the store and its locks.
    from perfkit.record.anonymous import Anonymizer, pseudonym_key
    from perfkit.record.provenance import who
    from perfkit.store.engine_store import cache_folder

    users: set[str] = set()
    for person in (who(), *people):
        parts = _PERSON.fullmatch(person)
        users |= {person, *(parts.groups() if parts else ())}
    return Anonymizer(pseudonym_key(cache_folder(Path.cwd())), hosts, users)
