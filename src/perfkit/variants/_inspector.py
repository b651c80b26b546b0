"""TensorRT's engine inspector: its JSON as layers. It needs neither torch nor TensorRT."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from perfkit.record.layers import EngineLayer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Described = dict[str, Any] | str
"""An object where the engine was built with detailed verbosity, else its name alone."""

_ORIGIN = re.compile(r"\[(?:ONNX Layer: )?([^\]]+)\]")


def described_layers(information: str) -> list[Described]:
    """The layers in the inspector's JSON."""
    return list(json.loads(information).get("Layers", []))


def engine_layers(described: Sequence[Described], times_s: Mapping[str, Mapping[str, float]]) -> list[EngineLayer]:
    """Layers with their times, given by shape and layer name.

    A layer's operators stand in its metadata; Torch-TensorRT leaves that out and names the layers after them, and
    TensorRT joins the names of what it fuses by `` + ``. A layer's precision is its first output's format, or its first
    input's where that is quantized: an INT8 convolution may well answer in half precision.
    """
    found = []
    for layer in described:
        if isinstance(layer, str):
            found.append(EngineLayer(name=layer, kind="unknown", precision="unknown"))
            continue
        name = str(layer.get("Name", "unnamed"))
        found.append(
            EngineLayer(
                name=name,
                kind=str(layer.get("ParameterType") or layer.get("LayerType", "unknown")),
                precision=_precision(layer),
                tactic=layer.get("TacticName") or None,
                operators=_ORIGIN.findall(str(layer.get("Metadata", ""))) or name.split(" + "),
                time_s={shape: times[name] for shape, times in times_s.items() if name in times},
            )
        )
    return found


def layer_formats(described: Sequence[Described]) -> dict[str, int]:
    """How many layer outputs have each format; {} without details."""
    counted: dict[str, int] = {}
    for layer in described:
        for output in layer.get("Outputs", []) if isinstance(layer, dict) else []:
            name = str(output.get("Format/Datatype", "unknown"))
            counted[name] = counted.get(name, 0) + 1
    return dict(sorted(counted.items()))


def _precision(layer: Mapping[str, Any]) -> str:
    inputs, outputs = _formats(layer.get("Inputs", [])), _formats(layer.get("Outputs", []))
    quantized = next((name for name in inputs[:1] if "int8" in name.lower() or "fp8" in name.lower()), None)
    return quantized or next(iter(outputs), "none")


def _formats(tensors: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(tensor.get("Format/Datatype", "unknown")) for tensor in tensors]
