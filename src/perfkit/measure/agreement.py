"""Answers first: a variant's outputs against the reference's, before any timing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from perfkit.record.schema import Agreement

_SQNR_CEILING_DB = 200.0
"""Reported for equal outputs, whose signal-to-noise ratio is infinite."""

Answer = Callable[[Tensor], tuple[Tensor, ...]]
"""From float32 images (batch, 3, height, width) to the outputs."""


class WrongAnswer(RuntimeError):
    """The variant's answers are not the reference's. The message is the reason in one line."""


def check_answers(
    reference: Answer,
    variant: Answer,
    batches: Sequence[Tensor],
    *,
    cosine_bound: float,
    classifies: bool,
) -> Agreement:
    """Compares both on every image and returns the worst cosine and SQNR.

    Structure and shapes are compared before values, non-finite values before closeness. Cosine and SQNR are taken
    per image over all outputs together.

    Raises WrongAnswer when outputs differ in structure or shape, either side's hold NaN or infinity, or they fall under
    the bound.
    """
    cosines: list[float] = []
    sqnrs_db: list[float] = []
    same_class = images = bad = 0
    for batch in batches:
        expected, got = reference(batch), variant(batch)
        _compare_structure(expected, got)
        images += batch.shape[0]
        wanted, given = _per_image(expected, batch.shape[0]), _per_image(got, batch.shape[0])
        if not torch.isfinite(wanted).all():
            raise WrongAnswer("the answers of eager-fp32 itself hold NaN or infinity: nothing can be held to them")
        wrong = int((~torch.isfinite(given)).any(dim=1).sum())
        bad += wrong
        if wrong:
            continue  # nothing is close to what is no number; how many images there are is told at the end
        cosines += torch.cosine_similarity(wanted, given, dim=1).tolist()
        sqnrs_db += [_sqnr_db(w, g) for w, g in zip(wanted, given, strict=True)]
        if classifies:
            same_class += int((expected[0].argmax(1) == got[0].to(expected[0].device).argmax(1)).sum())
    if bad:
        raise WrongAnswer(f"the outputs hold NaN or infinity on {bad} of {images} images")
    worst = min(cosines)
    if not worst >= cosine_bound:
        raise WrongAnswer(
            f"answers differ from eager-fp32: lowest cosine {worst:.5f} over {images} images, "
            f"{cosine_bound:g} is the bound"
        )
    return Agreement(
        images=images,
        cosine_min=worst,
        sqnr_db_min=min(sqnrs_db),
        top1_agreement=same_class / images if classifies else None,
    )


def _compare_structure(expected: Sequence[Tensor], got: Sequence[Tensor]) -> None:
    if len(expected) != len(got):
        raise WrongAnswer(f"{len(got)} outputs where eager-fp32 has {len(expected)}")
    for index, (wanted, given) in enumerate(zip(expected, got, strict=True)):
        if wanted.shape != given.shape:
            raise WrongAnswer(
                f"output {index} has shape {tuple(given.shape)} where eager-fp32 has {tuple(wanted.shape)}"
            )


def _per_image(outputs: Sequence[Tensor], batch: int) -> Tensor:
    """(batch, values) in float64 on the host."""
    return torch.cat([o.detach().double().cpu().reshape(batch, -1) for o in outputs], dim=1)


def _sqnr_db(wanted: Tensor, given: Tensor) -> float:
    noise = float((wanted - given).square().sum())
    signal = float(wanted.square().sum())
    if noise == 0:
        return _SQNR_CEILING_DB
    return 10 * math.log10(signal / noise) if signal > 0 else -_SQNR_CEILING_DB
