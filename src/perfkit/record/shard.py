"""A part of a run that was measured by itself, and what a merged run tells of its parts."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from perfkit.catalog.case import CaseId
from perfkit.record.model import Model


class Shard(Model):
    """The cases of some models of a run, all cases of each: ``perfkit run --shard``."""

    number: int = Field(ge=1, description="which of them, from 1")
    of: int = Field(ge=1, description="how many make the run")
    plan: list[CaseId] = Field(description="every case of the whole run, in the order of its plan")
    code: dict[str, str] = Field(description="what it was measured of: commit, uncommitted changes, configuration")

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if self.number > self.of:
            raise ValueError(f"shard {self.number} of {self.of}")
        return self

    def __str__(self) -> str:
        return f"shard {self.number}/{self.of}"


class MergedShard(Model):
    """One of the shards that a run was merged of: what it measured, when, and on which machine."""

    number: int = Field(ge=1)
    models: list[str]
    datetime: str
    machine: dict[str, str] = Field(description="its node and kernel, the GPU's UUID")
    run_id: str | None = Field(default=None, description="of its own file; None in runs merged before it was kept")
