"""Everything that is told of two builds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from perfkit.explain.diff import KindSum, LayerChange, differences, sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.record.layers import EngineLayer


@dataclass(frozen=True, slots=True)
class Explained:
    """Two builds, A and B, and what differs; ``shape`` is "" where no times are known."""

    names: tuple[str, str]
    shape: str
    operators: tuple[int | None, int | None]
    """Of the graph that each was built from."""
    layers: tuple[Sequence[EngineLayer], Sequence[EngineLayer]]
    changes: Sequence[LayerChange]
    sums: Sequence[KindSum]

    @classmethod
    def of(
        cls,
        names: tuple[str, str],
        operators: tuple[int | None, int | None],
        layers: tuple[Sequence[EngineLayer], Sequence[EngineLayer]],
        shape: str,
    ) -> Self:
        """Compares the layers at a shape."""
        return cls(names, shape, operators, layers, differences(*layers, shape), sums(*layers, shape))
