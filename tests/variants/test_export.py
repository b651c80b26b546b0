from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchvision.models import get_model
from torchvision.models.vision_transformer import EncoderBlock

from perfkit.catalog.profile import ShapeProfile
from perfkit.variants._export import common_step, example_shape, export, graph_sha256
from tests.variants.requests import FIXED, Tiny

SIZE = ShapeProfile(min=(1, 3, 112, 112), opt=(1, 3, 224, 224), max=(1, 3, 448, 448))
BATCH = ShapeProfile(min=(1, 3, 64, 64), opt=(1, 3, 64, 64), max=(4, 3, 64, 64))

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


class Scaled(Tiny):
    """With a number and a tensor that aren't weights."""

    def __init__(self, factor: float = 2.0, shift: float = 1.0) -> None:
        super().__init__()
        self.factor = factor
        self.shift = torch.full((4,), shift)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images) * self.factor + self.shift


def test_a_graph_is_known_by_its_operators_and_constants_and_not_by_its_weights() -> None:
    digest = graph_sha256(Scaled().eval(), FIXED)
    assert graph_sha256(Scaled().eval(), FIXED) == digest
    assert graph_sha256(Scaled(factor=3.0).eval(), FIXED) != digest
    assert graph_sha256(Scaled(shift=3.0).eval(), FIXED) != digest
    assert graph_sha256(Tiny().eval(), FIXED) != digest


def test_a_graph_is_exported_once_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Tiny().eval()
    first = graph_sha256(model, FIXED)
    other = graph_sha256(model, BATCH)
    monkeypatch.setattr(torch.export, "export", None)
    assert graph_sha256(model, FIXED) == first
    assert graph_sha256(model, BATCH) == other


class Attending(nn.Module):
    """Torchvision's attention block over the rows of a picture, as vit_b_16 has it."""

    def __init__(self) -> None:
        super().__init__()
        self.block = EncoderBlock(num_heads=2, hidden_dim=8, mlp_dim=8, dropout=0.0, attention_dropout=0.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        attended: torch.Tensor = self.block(images.mean(dim=1))
        return attended


def test_a_builder_can_take_attention_apart() -> None:
    """Its own attention returns other strides than PyTorch's fused one, after which nothing would be copied."""

    def in_parts(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: object) -> torch.Tensor:
        return torch.softmax(query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5, dim=-1) @ value

    model, images = Attending().eval(), torch.rand(2, 3, 8, 8)
    profile = ShapeProfile(min=(1, 3, 8, 8), opt=(2, 3, 8, 8), max=(4, 3, 8, 8))
    program, _ = export(model, profile, images)
    apart = program.run_decompositions({torch.ops.aten.scaled_dot_product_attention.default: in_parts})
    torch.testing.assert_close(apart.module()(images), model(images))


class Autocast(nn.Module):
    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return torch.nn.functional.leaky_relu(images, self.slope)


def test_what_a_graph_has_inside_is_part_of_its_digest() -> None:
    profile = ShapeProfile(min=(1, 3, 8, 8), opt=(1, 3, 8, 8), max=(1, 3, 8, 8))
    digests = [graph_sha256(Autocast(slope), profile) for slope in (0.1, 0.2)]
    assert digests[0] != digests[1]
