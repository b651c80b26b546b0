"""The layers of a built engine: what the backend tells of them, and what can be counted."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from perfkit.errors import UserError
from perfkit.record.json_file import describe, read_json_object
from perfkit.record.model import Model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FILE = "layers.json"
"""Beside an engine in the store."""

_COMPUTE = ("conv", "gemm", "matmul", "matrixmultiply", "fullyconnected", "attention", "mha")
_REFORMAT = ("reorder", "reformat", "convert", "cast")


class EngineLayer(Model):
    """One layer as the engine runs it; what a fusion left is one layer."""

    name: str
    kind: str = Field(description="as the backend calls it: Convolution, CaskConvolution, Reorder")
    precision: str = Field(description="data type or format that it computes in, in the backend's words")
    tactic: str | None = Field(default=None, description="the kernel that the builder chose")
    operators: list[str] = Field(default_factory=list, description="operators of the model that it computes")
    modules: list[str] = Field(
        default_factory=list,
        description="modules of the model that they belong to, by dotted name: exporters name operators differently",
    )
    time_s: dict[str, float] = Field(
        default_factory=dict,
        description="mean seconds by concrete shape, by the backend's own profiler, which slows the engine down",
    )

    @property
    def is_compute(self) -> bool:
        """Convolutions, matrix products and attention: where the arithmetic is."""
        return any(word in self.kind.lower() for word in _COMPUTE) and not self.is_reformat

    @property
    def is_reformat(self) -> bool:
        """Moves data into another layout or type and computes nothing."""
        return any(word in self.kind.lower() for word in _REFORMAT)


class EngineLayers(Model):
    """All layers of what a variant built, in the order of execution."""

    kind: Literal["perfkit-engine-layers"] = "perfkit-engine-layers"
    schema_version: Literal[1] = 1
    layers: list[EngineLayer]

    def computing(self, ignore: Sequence[str] = ()) -> list[EngineLayer]:
        """The compute layers, without those that a pattern names by layer or operator."""
        return [
            layer
            for layer in self.layers
            if layer.is_compute
            and not any(fnmatchcase(name, glob) for glob in ignore for name in (layer.name, *layer.operators))
        ]

    @property
    def reformats(self) -> int:
        """How many layers only reformat."""
        return sum(layer.is_reformat for layer in self.layers)


def read_layers(folder: Path) -> EngineLayers | None:
    """What lies beside an engine; None where its backend told nothing.

    Raises UserError for a file that can't be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return EngineLayers.model_validate(read_json_object(path))
    except ValidationError as error:
        raise UserError(f"{path}: {describe(error)}") from None


def write_layers(layers: EngineLayers, folder: Path) -> None:
    """Writes them beside an engine that is about to be stored."""
    (folder / FILE).write_text(layers.model_dump_json(exclude_defaults=False, indent=1) + "\n", "utf-8")
