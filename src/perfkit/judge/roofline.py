"""The least time that a card can take for a case, by its data sheet.

The model is Williams', Waterman's and Patterson's ("Roofline", Communications of the ACM 52, 2009). Rates are the
vendor's own, dense, at the boost clock; no card reaches them. A card that isn't here has no roofline: a guessed rate
would make a guessed distance. To add one: its name as NVML tells it, and where its rates are from.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from perfkit.judge.verdict import Finding, FindingKind, cases_in_words
from perfkit.record.facts import WorkPrecision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.record.facts import Work
    from perfkit.record.replicate import Sample

_TERA = 1e12
_WINOGRAD = 2.25
"""Winograd's convolution of 3x3 filters does with so many times fewer multiplications than are counted (Lavin and Gray,
"Fast Algorithms for Convolutional Neural Networks", 2015, F(2x2, 3x3)); libraries use it in float32."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a data sheet says: TB/s of the memory, TFLOP/s (TOP/s of INT8) by precision."""

    memory_tb_per_s: float
    tera_per_s: Mapping[WorkPrecision, float]
    source: str


def _rates(
    fp32: float, tf32: float, fp16: float, int8: float, fp8: float | None = None
) -> Mapping[WorkPrecision, float]:
    found = {
        WorkPrecision.FP32: fp32,
        WorkPrecision.TF32: tf32,
        WorkPrecision.FP16: fp16,
        WorkPrecision.BF16: fp16,
        WorkPrecision.INT8: int8,
    }
    return found if fp8 is None else found | {WorkPrecision.FP8: fp8}


_HOPPER_SXM = _rates(fp32=67, tf32=494.7, fp16=989, int8=1979, fp8=1979)
_AMPERE = _rates(fp32=19.5, tf32=156, fp16=312, int8=624)
CARDS: Mapping[str, Card] = {
    "NVIDIA H100 80GB HBM3": Card(3.35, _HOPPER_SXM, "NVIDIA H100 Tensor Core GPU data sheet, H100 SXM"),
    "NVIDIA H200": Card(4.8, _HOPPER_SXM, "NVIDIA H200 Tensor Core GPU data sheet, H200 SXM"),
    "NVIDIA A100-SXM4-80GB": Card(2.039, _AMPERE, "NVIDIA A100 Tensor Core GPU data sheet, A100 80GB SXM"),
    "NVIDIA A100 80GB PCIe": Card(1.935, _AMPERE, "NVIDIA A100 Tensor Core GPU data sheet, A100 80GB PCIe"),
    "NVIDIA A100-SXM4-40GB": Card(1.555, _AMPERE, "NVIDIA A100 Tensor Core GPU data sheet, A100 40GB SXM"),
}
"""By NVML's name of the whole card; a slice of one (MIG) has another name and other rates."""


@dataclass(frozen=True, slots=True)
class Roofline:
    """The least seconds of one call, and the two that it is the larger of."""

    memory_s: float
    arithmetic_s: float
    card: Card

    @property
    def least_s(self) -> float:
        """Neither bound can be undercut."""
        return max(self.memory_s, self.arithmetic_s)


def roofline_of(hardware: str, work: Work) -> Roofline | None:
    """Of one call on a card by its name; None where the card or its rate at this precision isn't known."""
    card = CARDS.get(hardware)
    if card is None or work.precision not in card.tera_per_s:
        return None
    return Roofline(
        memory_s=work.min_bytes / (card.memory_tb_per_s * _TERA),
        arithmetic_s=work.flops / (card.tera_per_s[work.precision] * _TERA),
        card=card,
    )


def faster_than_roofline(hardware: str, current: Mapping[CaseId, Sequence[Sample]]) -> Iterator[Finding]:
    """Cases whose device time no card of this kind can have: more likely a mistake than a gain, new or not."""
    shares = {}
    for case, samples in current.items():
        times_s = [sample.device.variant_s for sample in samples if sample.device is not None]
        work = next((sample.work for sample in samples if sample.work is not None), None)
        roofline = None if work is None else roofline_of(hardware, work)
        if times_s and work is not None and roofline is not None:
            fewer = _WINOGRAD if work.precision is WorkPrecision.FP32 else 1.0
            least_s = max(roofline.memory_s, roofline.arithmetic_s / fewer)
            if median(times_s) < least_s:
                shares[case] = median(times_s) / least_s
    if shares:
        worst = min(shares, key=lambda case: (shares[case], case))
        far = f"{shares[worst]:.2f}x the least time that its card can take (roofline)"
        text = f"{cases_in_words(shares)}, the most {worst}: {far}"
        yield Finding(kind=FindingKind.TOO_GOOD, text=f"{text}; confirm it first", cases=tuple(sorted(shares)))
