"""Facts of a build that got worse: an engine that lost its fusions is flagged before any clock is read.

A fact has no noise between processes that run the same engine, so each has a tolerance instead of statistics: what
another build of the same model may differ by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfkit.record.replicate import Sample

TOLERATED_GROWTH = {
    "engines": 0.0,
    "fallback_ops": 0.0,
    "layers": 0.25,
    "engine_bytes": 0.25,
    "activation_bytes": 0.25,
}
"""By what share a fact may grow; each is the better the smaller it is.

Between the builds of docs/h100-first-nights.md, with other timing caches, layers differ by up to 8% and engine bytes by
up to 13% (of an engine of 10 MB); a lost fusion doubles the layers and more. The memory of an engine's activations is
the same in every recorded build of a model and variant, on both kinds of cards (docs/judging.md).
"""
TOLERATED_SQNR_LOSS_DB = 6.0
"""Half the signal-to-noise ratio in amplitude: the error of the answers has doubled."""

TOLERATED_TOP1_LOSS = 0.25
"""Of the share of images with the reference's best class: two of eight may be ties."""
TOLERATED_DELIVERY_LOSS = 0.10
"""Of the share of compute layers in the precision that the variant is named for."""


TOLERATED_COSTS = {
    "build_s": (3.0, 60.0),
    "load_s": (3.0, 1.0),
    "cold_call_s": (3.0, 0.5),
    "shape_change_s": (3.0, 1e-3),
    "call_bytes": (1.25, 2**20),
    "fallback_device_share": (1.25, 0.02),
}
"""By what factor a cost may grow, and what growth is too small to tell: a cold disk or a busy host is no regression.

A build takes seconds with a timing cache and minutes without."""


def grown_costs(baseline: Sequence[Sample], current: Sequence[Sample]) -> Iterator[str]:
    """Costs beside the latency that grew by more than is tolerated, one phrase each; they fail nothing.

    The smallest of each side are compared, for whatever disturbs only adds to them.
    """
    for name, (factor, floor) in TOLERATED_COSTS.items():
        old, new = (min((s.costs[name] for s in side if name in s.costs), default=None) for side in (baseline, current))
        if old is not None and new is not None and new > max(old * factor, old + floor):
            yield f"{name}: {old:g} -> {new:g}"


def worse_answers(baseline: Sequence[Sample], current: Sequence[Sample]) -> Iterator[str]:
    """A loss of accuracy beyond what is tolerated, though within the bound that makes a variant BROKEN.

    Samples come in the order of their dates; the newest of each side are compared.
    """
    before, after = baseline[-1].agreement, current[-1].agreement
    if before is None or after is None:
        return
    if after.sqnr_db_min < before.sqnr_db_min - TOLERATED_SQNR_LOSS_DB:
        yield f"lowest SQNR to the reference {before.sqnr_db_min:.1f} -> {after.sqnr_db_min:.1f} dB"
    same, still = before.top1_agreement, after.top1_agreement
    if same is not None and still is not None and still < same - TOLERATED_TOP1_LOSS:
        yield f"images with the reference's best class {same:.0%} -> {still:.0%}"


def worse_facts(baseline: Sequence[Sample], current: Sequence[Sample]) -> Iterator[str]:
    """What got worse by more than is tolerated, one phrase each: ``layers 56 -> 217``.

    Samples come in the order of their dates; the newest of each side are compared.
    """
    before, after = baseline[-1], current[-1]
    for name, growth in TOLERATED_GROWTH.items():
        old, new = before.facts.get(name), after.facts.get(name)
        if isinstance(old, int) and isinstance(new, int) and new > old * (1 + growth):
            yield f"{name} {old} -> {new}"
    shares = _delivered_share(before), _delivered_share(after)
    if shares[0] is not None and shares[1] is not None and shares[1] < shares[0] - TOLERATED_DELIVERY_LOSS:
        yield f"compute layers in the named precision {shares[0]:.0%} -> {shares[1]:.0%}"


def _delivered_share(sample: Sample) -> float | None:
    delivered, computing = sample.facts.get("delivered_layers"), sample.facts.get("compute_layers")
    return delivered / computing if isinstance(delivered, int) and isinstance(computing, int) and computing else None
