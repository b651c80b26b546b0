"""TensorRT's inspector: its form, and what engines built on an H100 said (results/h100/inspector)."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any

import pytest

from perfkit.errors import UserError
from perfkit.explain.diff import ChangeKind, differences
from perfkit.record.layers import EngineLayers
from perfkit.variants._inspector import described_layers, engine_layers, layer_formats, module_of

RECORDED = Path(__file__).resolve().parents[2] / "results" / "h100" / "inspector"


def recorded(engine: str) -> EngineLayers:
    information = lzma.decompress((RECORDED / f"{engine}.json.xz").read_bytes()).decode()
    return EngineLayers(layers=engine_layers(described_layers(information), {}))


INSPECTOR = """
{"Layers": [
  {"Name": "conv1", "LayerType": "CaskConvolution",
   "Inputs": [{"Name": "x", "Dimensions": [-1, 3, 224, 224], "Format/Datatype": "Half"}],
   "Outputs": [{"Name": "y", "Dimensions": [-1, 64, 112, 112], "Format/Datatype": "Half"}]},
  {"Name": "quantize", "LayerType": "Scale",
   "Outputs": [{"Name": "q", "Format/Datatype": "Int8"}, {"Name": "r", "Format/Datatype": "Half"}]},
  {"Name": "shape", "LayerType": "shape_call", "Outputs": []},
  {"Name": "odd", "LayerType": "kgen", "Outputs": [{"Name": "z"}]},
  "a layer told by its name alone"
], "Bindings": ["x", "y"]}
"""


def test_formats_are_counted_by_layer_output() -> None:
    layers = described_layers(INSPECTOR)
    assert len(layers) == 5
    assert layer_formats(layers) == {"Half": 2, "Int8": 1, "unknown": 1}


def test_an_inspector_without_details_has_names_alone() -> None:
    layers = described_layers('{"Layers": ["conv1", "relu"]}')
    assert layers == ["conv1", "relu"]
    assert layer_formats(layers) == {}
    assert described_layers("{}") == []


@pytest.mark.parametrize(
    "information", ["", "[", "[]", '{"Layers": 3}', '{"Layers": [3]}', '{"Layers": [[]]}', "[" * 100_000, "9" * 5000]
)
def test_what_is_no_inspectors_json_is_refused_in_a_line(information: str) -> None:
    with pytest.raises(UserError, match=r"^TensorRT's inspector: "):
        described_layers(information)


def test_details_of_another_form_are_unknown() -> None:
    odd = '{"Layers": [{"Name": 3, "Outputs": 7, "Inputs": [1, {"Format/Datatype": []}], "TacticName": 5}]}'
    (layer,) = engine_layers(described_layers(odd), {})
    assert (layer.name, layer.tactic, layer.precision) == ("3", "5", "none")
    assert layer_formats(described_layers(odd)) == {}


def test_layers_have_their_kernels_precision_and_origin() -> None:
    """An INT8 convolution may answer in half: what it reads tells."""
    described: list[dict[str, Any] | str] = [
        {
            "Name": "fused",
            "LayerType": "CaskConvolution",
            "ParameterType": "Convolution",
            "TacticName": "sm80_xmma_fprop",
            "Inputs": [{"Format/Datatype": "Int8"}],
            "Outputs": [{"Format/Datatype": "Half"}],
            "Metadata": "[ONNX Layer: /conv1/Conv]\x1e[ONNX Layer: /relu/Relu]",
        },
        {"Name": "copy", "LayerType": "Reformat", "Outputs": [{"Format/Datatype": "Half"}]},
        {"Name": "[CONVOLUTION]-[c] + [RELU]-[r]", "LayerType": "CaskConvolution"},
        "a layer told by its name alone",
    ]
    convolution, copy, unexplained, plain = engine_layers(described, {"1x3x8x8": {"fused": 2e-6}, "1x3x16x16": {}})
    assert (convolution.kind, convolution.precision, convolution.tactic) == ("Convolution", "Int8", "sm80_xmma_fprop")
    assert convolution.operators == ["/conv1/Conv", "/relu/Relu"]
    assert convolution.time_s == {"1x3x8x8": 2e-6}
    assert (convolution.is_compute, copy.is_compute, copy.is_reformat, copy.precision) == (True, False, True, "Half")
    assert unexplained.operators == ["[CONVOLUTION]-[c]", "[RELU]-[r]"]
    assert (plain.kind, plain.precision) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("operator", "module"),
    [
        ("layer1.0.conv1/convolution_1", "layer1.0.conv1"),
        ("features.0.0.weight_quantizer/quantize_op_1_quantize", "features.0.0"),
        ("/mean", ""),
        ("/model/layer1/layer1.0/conv1/Conv", "layer1.0.conv1"),
        ("/model/features/features.1/conv/conv.0/conv.0.0/Conv", "features.1.conv.0.0"),
        ("/model/layer4/layer4.1/Add", "layer4.1"),
        ("/model/conv1/input_quantizer/QuantizeLinear", "conv1"),
        ("/model/Flatten", ""),
        ("__myl_Cas_myl2_1", ""),
    ],
)
def test_both_exporters_operators_lead_to_the_models_module(operator: str, module: str) -> None:
    assert module_of(operator) == module


@pytest.mark.parametrize(
    ("engine", "layers", "compute", "reformats", "precision"),
    [
        ("mobilenet_v2-trt-fp16", 285, 53, 13, "Half"),
        ("mobilenet_v2-trt-int8", 228, 53, 17, "Int8"),
        ("resnet18-trt-fp16", 27, 20, 3, "Half"),
        ("resnet18-trt-int8", 49, 21, 11, "Int8"),
        ("resnet18-onnx-trt-fp16", 27, 20, 3, "Half"),
        ("resnet18-onnx-trt-int8", 33, 21, 9, "Int8"),
        ("resnet50-trt-fp16", 60, 54, 3, "Half"),
        ("resnet50-trt-int8", 105, 54, 18, "Int8"),
    ],
)
def test_recorded_engines_compute_in_the_precision_of_their_name(
    engine: str, layers: int, compute: int, reformats: int, precision: str
) -> None:
    found = recorded(engine)
    assert (len(found.layers), len(found.computing()), found.reformats) == (layers, compute, reformats)
    assert {layer.precision for layer in found.computing()} == {precision}


def test_what_only_moves_data_for_a_layer_computes_no_operator() -> None:
    copies = [layer for layer in recorded("resnet18-onnx-trt-fp16").layers if layer.name.startswith("Reformatting")]
    assert len(copies) == 3
    assert all(copy.operators == copy.modules == [] for copy in copies)


def test_the_builders_own_running_numbers_match_nothing() -> None:
    """Engines of different models have some in common."""
    names = [{layer.name for layer in recorded(f"{model}-trt-int8").layers} for model in ("resnet18", "resnet50")]
    assert any(name.startswith("__my") for name in names[0] & names[1])
    operators = {name for layer in recorded("resnet18-trt-int8").layers for name in layer.operators}
    assert not [name for name in operators if name.startswith("__my")]


def test_two_exporters_engines_are_matched_by_module() -> None:
    """Every convolution of the one is found again in the other, though no operator has the same name."""
    ours, theirs = recorded("resnet18-trt-fp16").layers, recorded("resnet18-onnx-trt-fp16").layers
    lost = [change for change in differences(ours, theirs, "") if change.kind in (ChangeKind.LOST, ChangeKind.ADDED)]
    assert not [layer for change in lost for layer in (*change.before, *change.after) if layer.is_compute]


def test_numbered_quantizers_tell_that_module_names_lost_their_levels() -> None:
    """ModelOpt's model by the TorchScript exporter: /model/conv1_5/Conv is some block's conv1."""
    assert not [layer for layer in recorded("resnet18-onnx-trt-int8").layers if layer.modules]


def test_a_fusion_that_was_lost_is_seen() -> None:
    """What the builder calls by no operator's name is counted, by kind."""
    kinds = [layer.kind for layer in recorded("mobilenet_v2-trt-fp16").layers if not layer.modules]
    assert (kinds.count("kgen"), kinds.count("shape_call")) == (92, 92)
