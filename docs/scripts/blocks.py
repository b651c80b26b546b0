"""Tables in pages: what stands between ``<!-- NAME -->`` and ``<!-- end -->`` is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def with_blocks(page: Path, blocks: Mapping[str, Sequence[str]]) -> str:
    """The page's text with the lines of each block put in their place.

    Raises ValueError for a block that the page has no place for.
    """
    text = page.read_text("utf-8")
    for name, lines in blocks.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        if not start or not end:
            raise ValueError(f"{page.name} has no place for {name}")
        text = before + start + "\n".join(lines) + "\n" + end + after
    return text
