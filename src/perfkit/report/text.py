"""Text from outside made safe to show: test ids and error messages may hold anything."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

GAP = "  "
"""Between the columns of a table."""
INDENT = " " * 4
"""Before each line of what stands below a heading."""
WIDTH_OF_FILES = 140
"""Columns of a report that is written to a file."""
_DIGEST_DIGITS = 6
_UNSEEN = ("C", "Zl", "Zp")
"""Unicode categories of controls, bidirectional overrides, lone surrogates and line breaks."""


def printable(text: str) -> str:
    r"""The text with everything that doesn't show as itself escaped: ``\\x1b``, ``\\u202e``."""
    if text.isprintable():  # nearly always, and a report asks a hundred thousand times
        return text
    return "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char).startswith(_UNSEEN) else char
        for char in text
    )


def distinct(text: str) -> str:
    """Printable as well, and different texts stay different: for names that other tools keep apart."""
    return printable(text.replace("\\", "\\\\"))


def clip(text: str, length: int) -> str:
    """At most `length` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def shorten(names: Iterable[str], length: int) -> dict[str, str]:
    """Each name in at most `length` characters, different names staying different.

    A long name keeps its two ends, with a digest of the whole at the end to tell it from its like.
    `length` must leave room for that, 16 at least.
    """
    short = {}
    for name in names:
        shown = printable(name)
        if len(shown) > length:
            import hashlib  # OpenSSL with it, for names that hardly any report has

            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            room = length - _DIGEST_DIGITS - 2
            tail = room // 3
            shown = f"{shown[: room - tail]}…{shown[-tail:]}~{digest[:_DIGEST_DIGITS]}"
        short[name] = shown
    return short


def cell_width(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def pad(text: str, width: int) -> str:
    """The text with spaces up to `width` columns."""
    return text + " " * (width - cell_width(text))


def fold(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken between words, inside them if need be.

    `width` is 2 at least, the room of the widest character. No text, no lines.
    """
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_width(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        line, used = "", 0
        for char in word:
            if used + _char_width(char) > width:
                lines.append(line)
                line, used = "", 0
            line += char
            used += _char_width(char)
    return [*lines, line] if line else lines


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
