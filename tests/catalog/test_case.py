from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import CaseId, Shape, format_shape, parse_shape
from perfkit.errors import UserError

sizes = st.integers(1, 4096)
shapes = st.tuples(sizes, sizes, sizes, sizes)


@given(shapes)
def test_a_shape_survives_its_text(shape: Shape) -> None:
    assert parse_shape(format_shape(shape)) == shape


@given(st.text(alphabet="0123456789x- .X", max_size=20))
def test_what_parses_is_the_one_text_of_its_shape(text: str) -> None:
    shape = None
    with suppress(UserError):
        shape = parse_shape(text)
    assert shape is None or format_shape(shape) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1x3x224",
        "1x3x224x224x1",
        "0x3x224x224",
        "1x3x-1x224",
        "01x3x224x224",
        "1×3×224×224",
        "1x3x224x224\n",
        "1x3x224x٣",
        "1x3x224x" + "9" * 5000,
        "\N{ARABIC-INDIC DIGIT ONE}x3x8x8",
    ],
)
def test_no_shape(text: str) -> None:
    with pytest.raises(UserError, match="is not batch x channels x height x width") as caught:
        parse_shape(text)
    assert repr(text) in str(caught.value)


def test_a_case_is_told_by_its_three_parts() -> None:
    assert str(CaseId("resnet18@batch", "trt-fp16", "8x3x224x224")) == "resnet18@batch/trt-fp16/8x3x224x224"


def test_a_name_with_brackets_fits_itself() -> None:
    which = CaseId("bench.py::test[resnet50]", "", "")
    assert which.fits("bench.py::test[resnet50]")
    assert which.fits("bench.py::*")
    assert not which.fits("bench.py::test[resnet18]")
