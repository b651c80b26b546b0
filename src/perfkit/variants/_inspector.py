"""What TensorRT's engine inspector tells of an engine. It needs neither torch nor TensorRT."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = "layers.json"
"""Beside an engine in the store: its layers as the inspector tells them."""

Layer = dict[str, Any] | str
"""An object where the engine was built with detailed verbosity, else its name alone."""


def layers_of(information: str) -> list[Layer]:
    """The layers in the inspector's JSON."""
    return list(json.loads(information).get("Layers", []))


def layer_formats(layers: Sequence[Layer]) -> dict[str, int]:
    """How many layer outputs have each format; {} without details."""
    formats = Counter(
        str(output.get("Format/Datatype", "unknown"))
        for layer in layers
        if isinstance(layer, dict)
        for output in layer.get("Outputs", [])
    )
    return dict(sorted(formats.items()))
