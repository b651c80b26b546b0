"""What every stored model is made of: the base, and numbers with their bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from perfkit.catalog.case import CaseId
from perfkit.credentials import without_credentials

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A time. Zero, negative and non-finite times are no measurement and never enter a record."""
Duration = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Seconds that something took which is no latency, a build for instance; it may be next to zero."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
Told = Annotated[str, AfterValidator(without_credentials)]
"""Free text: reasons, notes. No credential gets in by writing, nor out by reading an older file."""
Share = Annotated[float, Field(ge=0, le=1)]


class Model(BaseModel):
    """The base of everything that is stored: immutable; an unknown key is an error, and so is NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class OfCase(Model):
    """What is told of one case."""

    model: str
    variant: str
    shape: str

    @property
    def case(self) -> CaseId:
        """The identity of the case."""
        return CaseId(self.model, self.variant, self.shape)
