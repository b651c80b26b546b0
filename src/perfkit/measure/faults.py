"""Puts faults into a variant's calls and answers while it is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfkit.catalog.fault import FaultKind
from perfkit.variants.base import VariantBroken
from perfkit.variants.building import BuildResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from perfkit.catalog.fault import Fault
    from perfkit.measure.clock import Clock


def result_with(faults: Sequence[Fault], result: BuildResult) -> BuildResult:
    """What was built; where a fault says so, what its graph was captured from, called kernel by kernel.

    Raises VariantBroken where that is the same.
    """
    if all(fault.kind is not FaultKind.LOST_GRAPH for fault in faults):
        return result
    plain = result.built.capturable
    if plain is result.built:
        raise VariantBroken("it has no CUDA graph to lose")
    # Its first calls are its own, not those of the graph's other shapes.
    return BuildResult(plain, result.peak_build_bytes)


def answers_with(
    faults: Sequence[Fault], answers: Callable[[Tensor], tuple[Tensor, ...]]
) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """The variant's answers, of the wrong sign where a fault says so."""
    if all(fault.kind is not FaultKind.WRONG for fault in faults):
        return answers
    return lambda images: tuple(-answer for answer in answers(images))


def call_with(
    faults: Sequence[Fault], call: Callable[[Any], Any], clock: Clock, work_s: float, typical_s: float
) -> Callable[[Any], Any]:
    """The variant's call, slower where faults say so, by a share of its work or of its wall time, ``typical_s``."""
    for fault in faults:
        if fault.kind is FaultKind.SLOW:
            call = clock.slowed(call, fault.share * work_s)
        elif fault.kind is FaultKind.HOST:
            call = clock.host_slowed(call, fault.share * typical_s)
    return call
