"""What installed packages bring by entry points: found by name, and imported when it is needed."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError, reason_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def registered(group: str) -> dict[str, EntryPoint]:
    """Every entry point of a group by its name; imports none of them."""
    return {entry.name: entry for entry in _of_all_packages().select(group=group)}


@cache
def _of_all_packages() -> Any:  # Python 3.11 has another class for them than later ones
    """Looked for once: asking for a group reads the metadata of every installed package, and a session asks for two."""
    return entry_points()


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
