"""What every stored model is made of: the base, and numbers with their bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A time. Zero, negative and non-finite times are no measurement and never enter a record."""
Duration = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Seconds that something took which is no latency, a build for instance; it may be next to zero."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Model(BaseModel):
    """The base of everything that is stored: immutable; an unknown key is an error, and so is NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
