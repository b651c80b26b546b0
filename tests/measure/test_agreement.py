from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from perfkit.measure.agreement import WrongAnswer, check_answers

if TYPE_CHECKING:
    from perfkit.record.schema import Agreement

IMAGES = [torch.arange(12.0).reshape(4, 3), torch.arange(6.0).reshape(2, 3) - 3]
"""Two batches, of four and two images; the fakes answer with the image itself."""


def same(images: Tensor) -> tuple[Tensor, ...]:
    return (images + 1,)


def checked(
    variant: object, *, bound: float = 0.9, classifies: bool = True, reference: object = same, batches: object = None
) -> Agreement:
    return check_answers(
        reference,  # type: ignore[arg-type]
        variant,  # type: ignore[arg-type]
        batches or IMAGES,  # type: ignore[arg-type]
        cosine_bound=bound,
        classifies=classifies,
    )


def wrong(variant: object, **options: object) -> str:
    with pytest.raises(WrongAnswer) as caught:
        checked(variant, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_equal_answers() -> None:
    agreement = checked(same)
    assert agreement.images == 6
    assert agreement.cosine_min == pytest.approx(1)
    assert agreement.sqnr_db_min == 200
    assert agreement.top1_agreement == 1


def test_only_classifiers_have_a_best_class() -> None:
    assert checked(same, classifies=False).top1_agreement is None


def test_the_share_of_images_with_the_same_best_class() -> None:
    """Two images of the first batch get another best class, with all but the same values."""

    def reference(images: Tensor) -> tuple[Tensor, ...]:
        return (torch.tensor([[1.0, 1.001, 1.0]]).repeat(len(images), 1),)

    def variant(images: Tensor) -> tuple[Tensor, ...]:
        (answers,) = reference(images)
        if len(images) == 4:
            answers[:2, 0] = 1.002
        return (answers,)

    assert checked(variant, reference=reference).top1_agreement == pytest.approx(4 / 6)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.case("B06")
def test_b06_numbers_that_are_none_are_counted_by_image(value: float) -> None:
    def variant(images: Tensor) -> tuple[Tensor, ...]:
        answers = images + 1
        answers[1:3, 0] = value
        return (answers,)

    assert wrong(variant) == "the outputs hold NaN or infinity on 3 of 6 images"


def test_one_infinite_value_of_many_outputs_is_found() -> None:
    def several(images: Tensor) -> tuple[Tensor, ...]:
        return (images + 1, images + 2)

    def variant(images: Tensor) -> tuple[Tensor, ...]:
        first, second = several(images)
        second[0, 2] = -math.inf
        return (first, second)

    assert "2 of 6 images" in wrong(variant, reference=several, classifies=False)


@pytest.mark.case("D01")
@pytest.mark.case("D06")
def test_structure_and_shape_come_before_values() -> None:
    nan = torch.full((4, 3), math.nan)
    assert wrong(lambda _: (nan, nan)) == "2 outputs where eager-fp32 has 1"
    assert wrong(lambda _: ()) == "0 outputs where eager-fp32 has 1"
    assert wrong(lambda _: (nan[:, :2],)) == "output 0 has shape (4, 2) where eager-fp32 has (4, 3)"
    assert "has shape (4, 3, 1)" in wrong(lambda _: (nan.unsqueeze(2),))


def test_the_worst_image_decides() -> None:
    """One of six is turned round; the mean would hide it."""

    def variant(images: Tensor) -> tuple[Tensor, ...]:
        answers = images + 1
        answers[-1] *= -1
        return (answers,)

    line = wrong(variant, bound=0.99)
    assert line == "answers differ from eager-fp32: lowest cosine -1.00000 over 6 images, 0.99 is the bound"


def test_a_factor_alone_keeps_the_cosine_and_shows_in_the_noise() -> None:
    agreement = checked(lambda images: (0.9 * (images + 1),))
    assert agreement.cosine_min == pytest.approx(1)
    assert agreement.sqnr_db_min == pytest.approx(20)


def test_an_answer_of_zeros_is_wrong() -> None:
    assert "lowest cosine 0.00000" in wrong(lambda images: (torch.zeros_like(images),))


def test_a_reference_of_zeros_has_no_signal() -> None:
    agreement = checked(same, bound=-1, reference=lambda images: (torch.zeros_like(images),))
    assert agreement.sqnr_db_min == -200


def test_half_precision_is_compared_in_double() -> None:
    def half(images: Tensor) -> tuple[Tensor, ...]:
        return ((images + 1).half(),)

    assert checked(half, bound=0.999999).cosine_min == pytest.approx(1)


@given(
    st.lists(st.floats(-100, 100), min_size=8, max_size=8).filter(lambda v: sum(x * x for x in v) > 1),
    st.floats(1e-4, 1e-1),
    st.integers(0, 1000),
)
def test_noise_is_measured_in_decibels(values: list[float], share: float, seed: int) -> None:
    """Noise of a share of the signal's norm is 20 log10(1/share) dB, and more noise never agrees better."""
    signal = torch.tensor([values], dtype=torch.float64)
    noise = torch.randn(1, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    noise *= signal.norm() / noise.norm()

    def found(amount: float) -> Agreement:
        return checked(
            lambda images: (images + amount * noise,),
            reference=lambda images: (images,),
            batches=[signal],
            bound=-1,
            classifies=False,
        )

    assert found(share).sqnr_db_min == pytest.approx(-20 * math.log10(share), abs=1e-6)
    assert found(2 * share).sqnr_db_min < found(share).sqnr_db_min
    assert -1.000001 <= found(share).cosine_min <= 1.000001


@pytest.mark.parametrize("image", [0, 1])
def test_a_reference_without_numbers_is_nothing_to_hold_an_answer_to(image: int) -> None:
    """Whichever image it is: the smallest of some numbers and a NaN may be any of them."""

    def broken(images: Tensor) -> tuple[Tensor, ...]:
        answers = images + 1
        answers[image] = math.nan
        return (answers,)

    assert wrong(same, reference=broken).startswith("the answers of eager-fp32 itself hold NaN or infinity")
