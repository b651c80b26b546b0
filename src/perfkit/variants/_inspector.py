"""TensorRT's engine inspector: its JSON as layers and facts. It needs neither torch nor TensorRT."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError
from perfkit.record.facts import BuildFacts
from perfkit.record.layers import EngineLayer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Described = dict[str, Any] | str
"""An object where the engine was built with detailed verbosity, else its name alone."""

_ONNX_ORIGIN = re.compile(r"\[(?:ONNX Layer: )?([^\]]+)\]")
_TORCH_ORIGIN = re.compile(r"\][-_]\[([\w.]*/[\w.]+)\]")
"""``[CONVOLUTION]-[aten_ops.convolution.default]-[layer1.0.conv1/convolution_1]``: module and node.

Myelin makes every dot and dash an underscore: ``[MATRIX_MULTIPLY]_[aten_ops_linear_default]_[classifier_1/linear]_2``.
"""
_OWN = ("Reformatting CopyNode", "__my")
"""The builder's own names: of copies, after the layer that they serve, and of what Myelin makes, by running numbers."""
_QUANTIZER = re.compile(r"(weight|input|output)_quantizer")
_LEVELS_LOST = re.compile(r"/(weight|input|output)_quantizer_\d+/")
"""A module has one of each. Numbered ones tell that the exporter lost the levels above: any conv1 is /conv1/."""
_WRAPPER = "model"
"""The attribute that holds the model in the module that is exported to ONNX."""


def described_layers(information: str) -> list[Described]:
    """The layers in the inspector's JSON.

    Raises UserError for what is no JSON of an inspector: an engine may come from anywhere. Unlike a record's, its
    JSON may name a key twice, and is as TensorRT made it.
    """
    try:
        data = json.loads(information)
    except (ValueError, RecursionError) as error:
        raise UserError(f"TensorRT's inspector: not readable as JSON: {error}") from None
    layers = data.get("Layers", []) if isinstance(data, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict | str) for layer in layers):
        raise UserError("TensorRT's inspector: tells no layers")
    return layers


def engine_layers(described: Sequence[Described], times_s: Mapping[str, Mapping[str, float]]) -> list[EngineLayer]:
    """Layers with their times, given by shape and layer name.

    A layer's precision is its first output's format, or its first input's where that is quantized: an INT8 convolution
    may well answer in half precision.
    """
    found = []
    levels_lost = any(_LEVELS_LOST.search(str(layer.get("Metadata"))) for layer in described if isinstance(layer, dict))
    for layer in described:
        name = layer if isinstance(layer, str) else str(layer.get("Name", "unnamed"))
        time_s = {shape: times[name] for shape, times in times_s.items() if name in times}
        if isinstance(layer, str):
            found.append(EngineLayer(name=name, kind="unknown", precision="unknown", time_s=time_s))
            continue
        operators = _operators(name, str(layer.get("Metadata", "")))
        found.append(
            EngineLayer(
                name=name,
                kind=str(layer.get("ParameterType") or layer.get("LayerType", "unknown")),
                precision=_precision(layer),
                tactic=str(layer.get("TacticName") or "") or None,
                operators=operators,
                modules=[] if levels_lost else list(dict.fromkeys(filter(None, map(module_of, operators)))),
                time_s=time_s,
            )
        )
    return found


def module_of(operator: str) -> str:
    """The dotted name of the model's module that an operator belongs to; "" where that can't be told.

    Torch-TensorRT writes ``layer1.0.conv1/convolution_1``. ONNX has one scope a level, each but the first of a
    container beginning with the container's own name: ``/model/layer1/layer1.0/conv1/Conv``.
    """
    *scopes, _ = operator.split("/")
    if scopes and scopes[0]:
        return ".".join(part for part in scopes[0].split(".") if not _QUANTIZER.fullmatch(part))
    path: list[str] = []
    for scope in scopes[1:]:
        if _QUANTIZER.fullmatch(scope) or (not path and scope == _WRAPPER):
            continue
        if path and scope.startswith(f"{path[-1]}."):
            path[-1] = scope
        else:
            path.append(scope)
    return ".".join(path)


def engine_facts(plans: Sequence[bytes], described: Sequence[Described], **known: Any) -> BuildFacts:
    """What serialized engines and their layers tell; ``known`` are the other facts of the build, by name."""
    return BuildFacts(
        engines=len(plans),
        engine_bytes=sum(map(len, plans)),
        engine_sha256=hashlib.sha256(b"".join(plans)).hexdigest(),
        layers=len(described),
        layer_formats=layer_formats(described) or None,
        **known,
    )


def layer_formats(described: Sequence[Described]) -> dict[str, int]:
    """How many layer outputs have each format; {} without details."""
    counted: dict[str, int] = {}
    for layer in described:
        for name in _formats(layer, "Outputs") if isinstance(layer, dict) else []:
            counted[name] = counted.get(name, 0) + 1
    return dict(sorted(counted.items()))


def _operators(name: str, metadata: str) -> list[str]:
    """From the metadata, which Torch-TensorRT leaves out; it names layers after their operators instead."""
    origins = _ONNX_ORIGIN.findall(metadata)
    if not origins and not name.startswith(_OWN):
        # TensorRT joins the names of what it fuses.
        origins = _TORCH_ORIGIN.findall(name) or name.split(" + ")
    return list(dict.fromkeys(origins))


def _precision(layer: Mapping[str, Any]) -> str:
    inputs, outputs = _formats(layer, "Inputs"), _formats(layer, "Outputs")
    quantized = next((name for name in inputs[:1] if "int8" in name.lower() or "fp8" in name.lower()), None)
    return quantized or next(iter(outputs), "none")


def _formats(layer: Mapping[str, Any], side: str) -> list[str]:
    tensors = layer.get(side, [])
    described = [tensor for tensor in tensors if isinstance(tensor, dict)] if isinstance(tensors, list) else []
    return [str(tensor.get("Format/Datatype", "unknown")) for tensor in described]
