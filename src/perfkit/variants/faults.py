"""Which variants can have which faults."""

from __future__ import annotations

from perfkit.catalog.case import GRAPH_SUFFIX
from perfkit.catalog.fault import FaultKind
from perfkit.variants.float32 import in_float32
from perfkit.variants.registry import load_variant


def why_not(kind: FaultKind, name: str) -> str | None:
    """Why the variant of that name can't have such a fault, in one line; None when it can.

    Raises UserError when a registered variant can't be imported.
    """
    if kind is FaultKind.LOST_GRAPH and not name.endswith(GRAPH_SUFFIX):
        return f"{name} has no CUDA graph to lose; variants named NAME{GRAPH_SUFFIX} have"
    if kind is FaultKind.FP32_ENGINE and in_float32(load_variant(name)) is None:
        return f"{name} has no engine to be built in float32 instead, or none whose precision is proved"
    return None
