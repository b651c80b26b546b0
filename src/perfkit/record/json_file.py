"""Reading a JSON file that may be anything: too large, cut off, foreign or hostile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError
from perfkit.untrusted import encodable, parse_json, read_file, shown

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError


def read_json_object(path: Path, *, too_large: str = "no record of perfkit's") -> dict[str, Any]:
    """The one JSON object that a file holds; NaN and Infinity are let through to be judged later.

    Raises UserError, in one line with the place in the file, when there is no such object.
    """
    return parse_json_object(read_file(path, too_large=too_large), str(path))


def parse_json_object(raw: bytes, source: str) -> dict[str, Any]:
    """The one JSON object that some bytes hold; `source` names them in errors.

    Raises UserError, in one line with the place, when there is no such object.
    """
    if not raw.strip():
        raise UserError(f"{source}: empty, the writing was interrupted; measure again")
    data = encodable(parse_json(raw, source), raw)
    if not isinstance(data, dict):
        raise UserError(f"{source}: holds a JSON {_json_type(data)}, a record is an object")
    return data


def check_schema_version(
    data: dict[str, Any], known: int, what: str, source: str, *, oldest: int | None = None
) -> None:
    """Refuse a schema version that this perfkit doesn't know: those from ``oldest`` to ``known``.

    Raises UserError naming the version found and those known.
    """
    found = data.get("schema_version", known)
    first = known if oldest is None else oldest
    if isinstance(found, bool) or found not in range(first, known + 1):
        versions = str(known) if first == known else f"{first} to {known}"
        raise UserError(
            f"{source}: {what} has schema version {shown(found)}, this perfkit knows {versions}; "
            "use the perfkit that wrote it"
        )


def describe(error: ValidationError) -> str:
    """A schema violation in one line: where it is, what is wrong, and how many more there are."""
    first, *others = error.errors(include_url=False, include_input=False, include_context=False)
    where = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(others)} more)" if others else ""
    return f"{where + ': ' if where else ''}{first['msg']}{more}"


def _json_type(value: object) -> str:
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
