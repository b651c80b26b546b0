"""Files that anybody may have written: how much of one is read, how deep it may be, and what of JSON and TOML is taken.

Every reader of records, baselines, journals, manifests and configuration begins here, so that the limits are one rule.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import reprlib
import stat
import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Any

from perfkit.credentials import without_credentials
from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_BYTES = 50 * 2**20
"""A thousand cases with fifty rounds each take about 10 MB; beyond this it is no record."""
TOO_LARGE_RUN = (
    "more than is read of one; measure fewer rounds ([measure] max_rounds), fewer cases or a part (--shard), without "
    "raw data in params and extra_info"
)
"""Of a run's file or journal: to measure the same again would make the same file."""
MAX_TOML_BYTES = 2**20
"""What people write by hand is a hundredth of it."""
MAX_DEPTH = 100
"""Objects and arrays within each other; perfkit's own have nine. What goes through them calls itself once a level."""
MAX_DIGITS = 300
"""Of a whole number: as many still fit a float, and Python takes quadratic time to read far longer ones."""
_BYTE_ORDER_MARK = "\ufeff"
_MAY_BE_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_TOO_DEEP = f"nested too deeply, more than {MAX_DEPTH} levels"
_TOO_LONG = f"a number of more than {MAX_DIGITS} digits"


class _RefusedError(ValueError):
    """What is well-formed and taken all the same by nobody; the message is the reason."""


def exists(path: Path) -> bool:
    """Raises UserError where that can't be told: a folder on the way may not be looked into, the name is too long."""
    return _mode(path) is not None


def is_folder(path: Path) -> bool:
    """Raises UserError as :func:`exists` does."""
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def read_file(path: Path, *, limit_bytes: int = MAX_BYTES, too_large: str) -> bytes:
    """What a file or a pipe holds, if that is no more than the limit; `too_large` says what a larger one is not.

    Raises UserError for anything else: a device, a folder, what isn't there or can't be read.
    """
    try:
        # Opening a named pipe waits for somebody who writes into it; like this one that nobody writes into is empty.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
                raise UserError(f"{path}: cannot be read: is a {'folder' if stat.S_ISDIR(mode) else 'device'}, no file")
            os.set_blocking(descriptor, True)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                raw = file.read(limit_bytes + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    check_size(len(raw), str(path), limit_bytes=limit_bytes, too_large=too_large)
    return raw


def check_size(size_bytes: int, source: str, *, limit_bytes: int = MAX_BYTES, too_large: str) -> None:
    """Raises UserError where it is more than the limit."""
    if size_bytes > limit_bytes:
        raise UserError(f"{source}: larger than {limit_bytes // 2**20} MiB, {too_large}")


def parse_json(raw: bytes, source: str) -> Any:
    """What some bytes hold as JSON; NaN and Infinity are let through to be judged later.

    Raises UserError, in one line with the place, for what is no JSON, for a key that stands twice in an object, and
    for more depth or digits than anything of ours has.
    """
    try:
        data = json.loads(_text(raw), parse_int=_integer, object_pairs_hook=_object)
        _check_depth(data)
    except json.JSONDecodeError as error:
        byte = len(error.doc[: error.pos].encode("utf-8"))
        raise UserError(
            f"{source}: not whole JSON, line {error.lineno} column {error.colno} (byte {byte}): "
            f"{error.msg}; measure again"
        ) from error
    except _RefusedError as error:
        raise UserError(f"{source}: {error}") from None
    except RecursionError:
        raise UserError(f"{source}: {_TOO_DEEP}") from None
    return data


def encodable(data: Any, raw: bytes) -> Any:
    """The same with half surrogate pairs, which no encoding has, written as JSON does: a name may hold them.

    `raw` is what the data were parsed from.
    """
    return _encodable(data) if _MAY_BE_HALF.search(raw) else data


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file of the project's; errors name it without its folder.

    Raises UserError, in one line, for what is no TOML, and for more depth or digits than anything of ours has.
    """
    try:
        raw = read_file(path, limit_bytes=MAX_TOML_BYTES, too_large="no configuration of perfkit's")
    except UserError as error:
        raise UserError(str(error).removeprefix(f"{path.parent}{os.sep}")) from None
    try:
        data = tomllib.loads(_text(raw))
        _check_depth(data)
        _check_digits(data)
    except (tomllib.TOMLDecodeError, _RefusedError) as error:
        raise UserError(f"{path.name}: can't be read: {error}") from None
    except RecursionError:
        raise UserError(f"{path.name}: can't be read: {_TOO_DEEP}") from None
    except ValueError:  # Python's own limit of digits, which tomllib lets through
        raise UserError(f"{path.name}: can't be read: {_TOO_LONG}") from None
    return data


def shown(value: object) -> str:
    """A value from outside for a message: as Python writes it, cut where it is long, without credentials."""
    return reprlib.repr(without_credentials(value) if isinstance(value, str) else value)


def _encodable(node: Any) -> Any:
    if isinstance(node, dict):
        return {_encodable(key): _encodable(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_encodable(value) for value in node]
    return node.encode("utf-8", "backslashreplace").decode() if isinstance(node, str) else node


def _text(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _RefusedError(f"not UTF-8 text (byte {error.start})") from None
    if text.startswith(_BYTE_ORDER_MARK):
        raise _RefusedError("begins with a byte order mark; save it as UTF-8 without one")
    return text


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _RefusedError(_TOO_LONG)
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Readers differ in which one they take: a reviewer may have seen the other.
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise _RefusedError(f"the key {shown(twice)} stands twice in one object")
    return found


def _check_depth(data: object) -> None:
    deepest = next(itertools.islice(_levels(data), MAX_DEPTH, None), [])
    if any(isinstance(node, dict | list) for node in deepest):
        raise _RefusedError(_TOO_DEEP)


def _check_digits(data: object) -> None:
    numbers = (value for level in _levels(data) for value in level if isinstance(value, int))
    if any(abs(number) >= 10**MAX_DIGITS for number in numbers):
        raise _RefusedError(_TOO_LONG)


def _levels(data: object) -> Iterator[list[Any]]:
    """Level by level what stands in objects and arrays, without calling itself."""
    level = [data]
    while level:
        yield level
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
