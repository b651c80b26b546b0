"""Quantization by ModelOpt, where it is installed: its fake-quantized model runs on a CPU."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from perfkit.catalog.config import Quantization
from perfkit.catalog.profile import ShapeProfile
from perfkit.record.facts import BuildFacts
from perfkit.variants.registry import load_variant
from tests.variants.requests import PLAIN, request_for

if TYPE_CHECKING:
    from pathlib import Path

    from torch.export import ExportedProgram

    from perfkit.variants.base import BuildRequest

pytest.importorskip("modelopt", reason="nvidia-modelopt is part of the trt extra, which CI doesn't install")

# ModelOpt's own, by the dozen.
pytestmark = pytest.mark.filterwarnings("ignore")

QUANTIZERS = 2 * 26 + 4
"""Of squeezenet1_1: weights and inputs of its convolutions, inputs of its poolings."""
FP8_PROFILE = ShapeProfile(min=(1, 3, 64, 64), opt=(2, 3, 64, 64), max=(4, 3, 64, 64))


@pytest.mark.parametrize(
    ("method", "weights"), [("max", "channel"), ("entropy", "tensor"), ("percentile", "channel"), ("mse", "tensor")]
)
def test_every_method_quantizes_and_answers_alike(method: str, weights: str) -> None:
    from perfkit.variants._modelopt import quantize

    model = get_model("squeezenet1_1", weights=None).eval()
    batches = [torch.rand(2, 3, 64, 64) for _ in range(2)]
    quantization = Quantization.model_validate({"method": method, "weights": weights})
    quantized = quantize(model, batches, quantization, "int8")
    parts = dict(quantized.named_modules())
    convolutions = [name for name, part in parts.items() if isinstance(part, nn.Conv2d)]
    assert len(convolutions) == 26
    for name in convolutions:
        channels = parts[name].out_channels if weights == "channel" else 1
        assert parts[f"{name}.weight_quantizer"].amax.numel() == channels
        assert parts[f"{name}.input_quantizer"].amax.numel() == 1
    with torch.inference_mode():
        similar = torch.cosine_similarity(quantized(batches[0]), model(batches[0]), dim=1)
    assert similar.min() > 0.95


def fp8_model() -> tuple[nn.Module, list[torch.Tensor]]:
    """A float32 model and pictures; PyTorch computes FP8's rounding on any device."""
    torch.manual_seed(0)
    return get_model("squeezenet1_1", weights=None).eval(), [torch.rand(2, 3, 64, 64) for _ in range(2)]


@pytest.mark.parametrize("half", [False, True])
def test_fp8_quantizes_by_tensor_and_answers_alike(half: bool) -> None:
    """Four exponent bits and three of the fraction, whatever the granularity of INT8 weights is."""
    from perfkit.variants._modelopt import as_done, quantize

    model, batches = fp8_model()
    subject = model.half() if half else model
    quantized = quantize(subject, batches, Quantization(weights="channel"), "fp8")
    parts = dict(quantized.named_modules())
    convolutions = [name for name, part in parts.items() if isinstance(part, nn.Conv2d)]
    assert len(convolutions) == 26
    for quantizer in (parts[f"{name}.{of}_quantizer"] for name in convolutions for of in ("weight", "input")):
        assert quantizer.num_bits == (4, 3)
        assert quantizer.amax.numel() == 1
    images = batches[0].to(next(subject.parameters()).dtype)
    with torch.inference_mode():
        answers, expected = quantized(images), subject(images)
    assert not torch.equal(answers, expected)
    assert torch.cosine_similarity(answers, expected, dim=1).min() > 0.97
    assert str(as_done(Quantization(weights="channel"), "fp8")) == "max, weights per tensor"
    assert as_done(Quantization(weights="channel"), "int8") == Quantization(weights="channel")


@pytest.mark.parametrize("method", ["entropy", "percentile", "mse"])
def test_fp8_refuses_other_methods_in_a_line(method: str) -> None:
    from perfkit.variants._modelopt import quantize
    from perfkit.variants.base import CalibrationUnsupported

    model, batches = fp8_model()
    with pytest.raises(CalibrationUnsupported) as caught:
        quantize(model, batches, Quantization.model_validate({"method": method}), "fp8")
    assert str(caught.value).startswith(f"FP8 calibrates by max, not by {method}: set [quantization] method to max")
    assert "\n" not in str(caught.value)


def test_tensorrts_own_calibration_is_no_method_of_explicit_quantization() -> None:
    from perfkit.variants._modelopt import quantize
    from perfkit.variants.base import CalibrationUnsupported

    model, batches = fp8_model()
    with pytest.raises(CalibrationUnsupported, match=r"^only onnx-trt-int8 calibrates by implicit-entropy: set "):
        quantize(model, batches, Quantization(method="implicit-entropy"), "int8")


def test_fp8_goes_to_onnx_with_tensorrts_own_operators() -> None:
    import onnx

    from perfkit.variants._modelopt import quantize
    from perfkit.variants._onnx import export_onnx

    model, batches = fp8_model()
    quantized = quantize(model, batches, Quantization(), "fp8").half()
    graph = onnx.load_from_string(export_onnx(quantized, FP8_PROFILE, batches[0].half())).graph
    operators = [node.op_type for node in graph.node]
    assert operators.count("Conv") == 26
    assert operators.count("TRT_FP8QuantizeLinear") == operators.count("TRT_FP8DequantizeLinear") == QUANTIZERS
    assert "Cast" not in operators


def test_fp8_goes_to_torch_export_with_its_own_operators() -> None:
    """What Torch-TensorRT converts. ModelOpt's INT8 needs its CUDA extension for that, its FP8 doesn't."""
    from modelopt.torch.quantization.utils import export_torch_mode

    from perfkit.variants._export import export
    from perfkit.variants._modelopt import quantize

    model, batches = fp8_model()
    quantized = quantize(model.half(), batches, Quantization(), "fp8")
    with export_torch_mode():
        program, notes = export(quantized, FP8_PROFILE, batches[0].half())
    assert notes == []
    found = [node for node in program.graph.nodes if str(node.target) == "tensorrt.quantize_op.default"]
    assert len(found) == QUANTIZERS
    bits, exponent_bits = 8, 4
    assert {tuple(node.args[2:4]) for node in found} == {(bits, exponent_bits)}


@pytest.fixture
def request_of_fp8(tmp_path: Path) -> BuildRequest:
    return request_for(fp8_model()[0], FP8_PROFILE, PLAIN, tmp_path)


def test_onnx_trt_fp8_hands_over_a_half_model(request_of_fp8: BuildRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a stand-in for TensorRT's builder; without flags the network is strongly typed."""
    import onnx

    given: list[bytes] = []

    def build_engine(model: bytes, _request: BuildRequest, _started: float, *, notes: list[str]) -> SimpleNamespace:
        given.append(model)
        return SimpleNamespace(facts=BuildFacts(build_s=0, notes=notes))

    monkeypatch.setitem(sys.modules, "perfkit.variants._onnx_trt", SimpleNamespace(build_engine=build_engine))
    built = load_variant("onnx-trt-fp8").build(request_of_fp8)
    assert built.facts.calibration == "max, weights per tensor"
    assert built.facts.notes == ["strongly typed"]
    graph = onnx.load_from_string(given[0]).graph
    types = {port.type.tensor_type.elem_type for port in (*graph.input, *graph.output)}
    assert types == {onnx.TensorProto.FLOAT16}
    assert next(request_of_fp8.model.parameters()).dtype == torch.float32


def test_trt_fp8_compiles_an_exported_half_model(request_of_fp8: BuildRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    from perfkit.variants import _torch_tensorrt_quantized

    given: list[ExportedProgram] = []

    def compile_program(program: ExportedProgram, *_: object) -> SimpleNamespace:
        given.append(program)
        return SimpleNamespace(facts=BuildFacts(build_s=0))

    monkeypatch.setattr(_torch_tensorrt_quantized, "compile_program", compile_program)
    built = load_variant("trt-fp8").build(request_of_fp8)
    assert built.facts.calibration == "max, weights per tensor"
    weights = [value for value in given[0].state_dict.values() if value.dim() == 4]
    assert {weight.dtype for weight in weights} == {torch.half}


def test_engines_of_int8_and_fp8_have_keys_of_their_own(request_of_fp8: BuildRequest) -> None:
    from perfkit.variants._torch_tensorrt_quantized import key_parts

    int8, fp8 = key_parts(request_of_fp8, "int8"), key_parts(request_of_fp8, "fp8")
    assert (int8["calibration"], fp8["calibration"]) == ("max, weights per channel", "max, weights per tensor")
    assert int8["quantization_sha256"] == fp8["quantization_sha256"]
