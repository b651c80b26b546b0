"""What of the Torch-TensorRT variants needs neither a GPU nor TensorRT."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision.models import get_model

from perfkit.catalog.case import ShapeProfile
from perfkit.record.schema import BuildFacts
from perfkit.variants import _torch_tensorrt
from perfkit.variants._torch_tensorrt import BuiltTensorrt, common_step, example_shape, export, layer_formats

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = ShapeProfile(min=(1, 3, 112, 112), opt=(1, 3, 224, 224), max=(1, 3, 448, 448))
BATCH = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 64, 64), max=(4, 3, 64, 64))
FIXED = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 64, 64), max=(1, 3, 64, 64))

sizes = st.integers(1, 4096)


@given(st.lists(sizes, min_size=1, max_size=5))
def test_the_step_divides_every_size_and_is_the_largest_power_of_two(values: list[int]) -> None:
    step = common_step(*values)
    assert step in (1, 2, 4, 8, 16, 32)
    assert all(value % step == 0 for value in values)
    assert step == 32 or any(value % (2 * step) for value in values)


@given(st.integers(1, 16), st.integers(0, 16), st.integers(0, 16))
def test_a_dynamic_batch_is_traced_at_two_or_more_inside_the_profile(low: int, more: int, most: int) -> None:
    profile = ShapeProfile(min=(low, 3, 8, 8), opt=(low + more, 3, 8, 8), max=(low + more + most, 3, 8, 8))
    shape = example_shape(profile)
    assert profile.contains(shape)  # type: ignore[arg-type] # four sizes
    assert shape[1:] == (3, 8, 8)
    if more + most:
        assert shape[0] == max(2, low + more)
    else:
        assert shape == profile.opt


@pytest.mark.parametrize(
    ("name", "steps"),
    [("mobilenet_v2", []), ("resnet18", ["height in steps of 16", "width in steps of 16"])],
)
def test_a_dynamic_size_is_exported_plainly_or_in_steps(name: str, steps: list[str]) -> None:
    """The program serves the whole profile, or every multiple of the step in it."""
    torch.manual_seed(0)
    model = get_model(name).eval()
    program, notes = export(model, SIZE, torch.rand(example_shape(SIZE)))
    assert [note.partition(":")[0] for note in notes] == steps
    module = program.module()
    for side in (112, 160, 448):
        images = torch.rand(1, 3, side, side)
        with torch.inference_mode():
            torch.testing.assert_close(module(images), model(images), rtol=1e-3, atol=1e-4)
    with torch.inference_mode(), pytest.raises(AssertionError):
        module(torch.rand(1, 3, 96, 96))


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolution(images)).mean((2, 3))


def test_a_dynamic_batch_serves_one_image_too() -> None:
    program, notes = export(Tiny().eval(), BATCH, torch.rand(example_shape(BATCH)))
    assert notes == []
    assert [program.module()(torch.rand(count, 3, 64, 64)).shape[0] for count in (1, 3, 4)] == [1, 3, 4]


def test_a_fixed_shape_is_exported_as_it_is() -> None:
    program, notes = export(Tiny().eval(), FIXED, torch.rand(example_shape(FIXED)))
    assert notes == []
    assert not program.range_constraints


def test_what_is_no_matter_of_shapes_is_not_tried_again() -> None:
    class Stubborn(Tiny):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise ZeroDivisionError(f"no graph of {images.ndim} dimensions")

    with pytest.raises(Exception, match="no graph of 4 dimensions"):
        export(Stubborn().eval(), SIZE, torch.rand(example_shape(SIZE)))


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
    layers = _torch_tensorrt._layers(INSPECTOR)
    assert len(layers) == 5
    assert layer_formats(layers) == {"Half": 2, "Int8": 1, "unknown": 1}


def test_an_inspector_without_details_has_names_alone() -> None:
    layers = _torch_tensorrt._layers('{"Layers": ["conv1", "relu"]}')
    assert layers == ["conv1", "relu"]
    assert layer_formats(layers) == {}
    assert _torch_tensorrt._layers("{}") == []


def test_operators_left_to_pytorch_are_counted_in_all_submodules() -> None:
    """Neither parameters and inputs nor the plumbing between engines are operators."""
    graph = torch.fx.symbolic_trace(Tiny().eval())
    program, _ = export(Tiny().eval(), FIXED, torch.rand(FIXED.opt))
    assert _torch_tensorrt._operators(program.graph_module) == 3
    assert _torch_tensorrt._fallback_operators(nn.Sequential(graph, nn.ReLU())) == _torch_tensorrt._operators(graph) > 0
    assert _torch_tensorrt._operators(nn.ReLU()) == 0


def test_inputs_are_half_before_the_timed_call() -> None:
    built = BuiltTensorrt(nn.Identity(), BuildFacts(build_s=0))
    inputs = built.prepare(torch.rand(1, 3, 8, 8))
    assert inputs.dtype == torch.half
    assert built.call(inputs) is inputs
    built.close()
    with pytest.raises(TypeError):
        built.call(inputs)


def test_the_builders_debugger_leaves_logging_as_it_was() -> None:
    """It is asked for details of layers, and configures the root logger by the way."""

    asked = []

    @contextmanager
    def debugger(**options: object) -> Iterator[None]:
        asked.append(options)
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger().addHandler(logging.NullHandler())
        yield

    before = logging.getLogger().level, list(logging.getLogger().handlers)
    with (
        pytest.raises(ZeroDivisionError),
        _torch_tensorrt._detailed_layers(SimpleNamespace(dynamo=SimpleNamespace(Debugger=debugger))),
    ):
        raise ZeroDivisionError
    assert (logging.getLogger().level, logging.getLogger().handlers) == before
    assert asked[0]["save_engine_profile"] is True
    assert not Path(str(asked[0]["logging_dir"])).exists()
    with _torch_tensorrt._detailed_layers(SimpleNamespace(dynamo=SimpleNamespace())):
        assert len(asked) == 1
