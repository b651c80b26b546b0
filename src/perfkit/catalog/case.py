"""What is measured: concrete shapes, shape profiles and the identity of a case.

Plain data without torch, so that collecting tests and comparing files stay quick.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from perfkit.errors import UserError

REFERENCE_VARIANT = "eager-fp32"
"""The variant that every speedup is relative to."""

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


def _positive(shape: Shape) -> Shape:
    if min(shape) < 1:
        raise ValueError("every size of a shape must be at least 1")
    return shape


class ShapeProfile(BaseModel):
    """Minimum, optimum and maximum input shape that one dynamic engine must serve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: Annotated[Shape, AfterValidator(_positive)]
    opt: Annotated[Shape, AfterValidator(_positive)]
    max: Annotated[Shape, AfterValidator(_positive)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for low, middle, high in zip(self.min, self.opt, self.max, strict=True):
            if not low <= middle <= high:
                raise ValueError("a profile needs min <= opt <= max in every dimension")
        return self

    @property
    def dynamic_dimensions(self) -> tuple[int, ...]:
        """Indices of the dimensions whose minimum and maximum differ."""
        return tuple(i for i in range(4) if self.min[i] != self.max[i])

    def contains(self, shape: Shape) -> bool:
        """Whether an engine of this profile serves the shape."""
        return all(low <= size <= high for low, size, high in zip(self.min, shape, self.max, strict=True))

    def shapes(self) -> tuple[Shape, ...]:
        """The profile's own concrete shapes: min, opt, max without repeats."""
        return tuple(dict.fromkeys((self.min, self.opt, self.max)))


class CaseId(NamedTuple):
    """The identity of a case: model × variant × concrete shape; file names and test ids don't belong to it."""

    model: str
    variant: str
    shape: str

    def __str__(self) -> str:
        return "/".join(part for part in self if part)
