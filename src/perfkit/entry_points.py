"""What installed packages bring by entry points: found by name, and imported when it is needed."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from perfkit.errors import UserError, reason_of


def registered(group: str) -> dict[str, EntryPoint]:
    """Every entry point of a group by its name; imports none of them."""
    return _by_group().get(group, {})


@cache
def _by_group() -> dict[str, dict[str, EntryPoint]]:
    """Of all groups at once: asking for one reads the lists of all installed packages as well."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points():
        found.setdefault(entry.group, {})[entry.name] = entry
    return found


def load(entry: EntryPoint, what: str) -> Any:
    """What it names. Raises UserError, in a line that begins with ``what``, when it can't be imported."""
    try:
        return entry.load()
    except Exception as error:  # an add-on's import may raise anything; the line names its entry point
        raise UserError(f"{what} {entry.name!r} ({entry.value}) can't be imported: {reason_of(error)}") from error


def load_subclass(entry: EntryPoint, base: type, what: str) -> Any:
    """The subclass of ``base`` that it names. Raises UserError when it can't be imported or is none."""
    kind = load(entry, what)
    if not (isinstance(kind, type) and issubclass(kind, base)):
        whole = f"{base.__module__}.{base.__qualname__}"
        raise UserError(f"{what} {entry.name!r}: {entry.value} is not a subclass of {whole}")
    return kind
