"""What is measured: concrete shapes and the identity of a case.

Plain data that need no library, so that comparing files and every pytest session that has no cases stay quick.
"""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

from perfkit.errors import UserError

REFERENCE_VARIANT = "eager-fp32"
"""The variant that every speedup is relative to."""
GRAPH_SUFFIX = "-graph"
"""NAME-graph is the variant NAME, replayed as a CUDA graph."""

_SHAPE_TEXT = re.compile(r"[1-9][0-9]{0,8}(x[1-9][0-9]{0,8}){3}")


class Platform(StrEnum):
    """Where a run executes."""

    CPU = "cpu"
    CUDA = "cuda"


Shape = tuple[int, int, int, int]
"""An input shape: batch, channels, height, width."""


def format_shape(shape: Shape) -> str:
    """``(1, 3, 224, 224)`` → ``"1x3x224x224"``."""
    return "x".join(str(size) for size in shape)


def parse_shape(text: str) -> Shape:
    """``"1x3x224x224"`` → ``(1, 3, 224, 224)``.

    Raises UserError when the text isn't four positive sizes joined by ``x``.
    """
    if not _SHAPE_TEXT.fullmatch(text):
        raise UserError(f"shape {text!r} is not batch x channels x height x width, for example 1x3x224x224")
    batch, channels, height, width = (int(size) for size in text.split("x"))
    return (batch, channels, height, width)


class CaseId(NamedTuple):
    """The identity of a case: model × variant × concrete shape; file names and test ids don't belong to it."""

    model: str
    variant: str
    shape: str

    def __str__(self) -> str:
        return "/".join(part for part in self if part)

    def fits(self, glob: str) -> bool:
        """Whether the glob names it, or is its name: a test's may hold brackets, as in ``test_infer[resnet50]``."""
        return str(self) == glob or fnmatchcase(str(self), glob)
