"""Files that are nearly right: a valid one with a bit, a piece or a value of it changed."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

NAN, INFINITY = float("nan"), float("inf")
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    7,
    2**31,
    2**63,
    10**299,
    -(10**299),
    0.5,
    -0.0,
    5e-324,
    1e-9,
    1e5,
    1e16,
    1.7976931348623157e308,
    -1e308,
    NAN,
    INFINITY,
    -INFINITY,
    "",
    "x" * 5000,
    "\x00",
    "\ud800",
    "\u202e\x1b[2J\n|",
    "../../../etc/passwd",
    "/dev/zero",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "NaN",
    "1e999",
    [],
    {},
    [[[]]],
    [NAN],
    [0, "a", None, {}],
    {"": None},
    {"\ud800": 1},
    {"0": -1},
)
"""What a value is replaced by."""
PIECES = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"[" * 300,
    b"[" * 100_000,
    b'{"a":' * 300,
    b"9" * 400,
    b"9" * 5000,
    b"1e999",
    b"NaN",
    b"-Infinity",
    b'"\\ud800"',
    b'"a":1,"a":2',
    b"\r\n",
    "٣".encode(),
    b"0xffffffffffffffff",
    b"1979-13-32",
    b"\n[tool]\n",
    b"*a*a*a*a*a*a*a*a*a",
    b"[!]-z",
)
"""What is put somewhere into the bytes."""


def mutated(raw: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """The file with one to three changes; `others` are valid files of the same kind, to take pieces from."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        raw = rng.choice(_CHANGES)(raw, others, rng)
    return raw


def restructured(raw: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """JSON with another value, or none, at some path, or a part of another file there; else the bytes as they are.

    A file of lines, as journals are, has one of them changed.
    """
    lines = raw.split(b"\n")
    index = rng.randrange(len(lines))
    try:
        data = json.loads(lines[index])
    except (ValueError, RecursionError):
        lines, index = [raw], 0
    try:
        data = json.loads(lines[index])
        _change(data, _parsed(rng.choice(others)), rng)
        lines[index] = json.dumps(data).encode()
    except (ValueError, RecursionError, OverflowError):
        pass
    return b"\n".join(lines)


def _change(data: Any, other: Any, rng: random.Random) -> None:
    holders = _holders([data])
    if not holders:
        return
    # Deep ones are many, and a list of times is like the next one: those near the top have the same chance together.
    node = rng.choice(rng.choice((holders, holders[: 1 + len(holders) // 8])))
    key = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
    change = rng.choice(("lose", "add", "take", "repeat", "scale", "replace", "replace"))
    if change == "lose" and isinstance(node, dict):
        node.pop(key)
    elif change == "add" and isinstance(node, dict):
        node[rng.choice(("", "new", "perfkit", "kind", "schema_version"))] = rng.choice(VALUES)
    elif change == "take" and (there := _holders([other])):
        taken_from = rng.choice(there)
        node[key] = rng.choice(list(taken_from.values()) if isinstance(taken_from, dict) else taken_from)
    elif change == "repeat" and isinstance(node, list):
        node.extend(rng.choice((node[:], [node[key]])))
    elif change == "scale" and isinstance(node[key], int | float):
        node[key] *= rng.choice((-1, 1000, 1e-3, 1e12, 1e-12))
    else:
        node[key] = rng.choice(VALUES)


def _parsed(raw: bytes) -> Any:
    for text in (raw, raw.partition(b"\n")[0]):
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return None


def _holders(found: list[Any]) -> list[Any]:
    """Every object and array that holds something, those near the top first."""
    holders: list[Any] = []
    while found:
        found = [node for node in found if isinstance(node, dict | list) and node]
        holders += found
        found = [child for node in found for child in (node.values() if isinstance(node, dict) else node)]
    return holders


def _flipped(raw: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    if not raw:
        return raw
    changed = bytearray(raw)
    changed[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _cut(raw: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    return raw[: rng.randrange(len(raw) + 1)]


def _doubled(raw: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    start, end = sorted((rng.randrange(len(raw) + 1), rng.randrange(len(raw) + 1)))
    return raw[:end] + raw[start:]


def _spliced(raw: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    other = rng.choice(others)
    return raw[: rng.randrange(len(raw) + 1)] + other[rng.randrange(len(other) + 1) :]


def _inserted(raw: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    start = rng.randrange(len(raw) + 1)
    end = rng.choice((start, start, min(len(raw), start + rng.randrange(20))))
    return raw[:start] + rng.choice(PIECES) + raw[end:]


def _line_changed(raw: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """A line left out, put elsewhere, or taken from another file."""
    lines = raw.split(b"\n")
    line = lines.pop(rng.randrange(len(lines)))
    taken = rng.choice((None, line, rng.choice(rng.choice(others).split(b"\n"))))
    if taken is not None:
        lines.insert(rng.randrange(len(lines) + 1), taken)
    return b"\n".join(lines)


_CHANGES: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    *(restructured,) * 6,
    _flipped,
    _cut,
    _doubled,
    _spliced,
    _inserted,
    _inserted,
    _line_changed,
)
