"""Shape profiles: which shapes one dynamic engine must serve."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from perfkit.catalog.case import Shape


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
