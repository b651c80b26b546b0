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
_LEAST_GROWTH = {"activation_bytes": 2**18}
"""What is too small to tell, where a fact may be nearly nothing."""
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

    Samples come in the order of their dates; the baseline's newest is what every one of the run is held to.
    """
    before = baseline[-1].agreement
    answers = [sample.agreement for sample in current if sample.agreement is not None]
    if before is None or not answers:
        return
    ratios_db = [answer.sqnr_db_min for answer in answers]
    if lost := [ratio for ratio in ratios_db if ratio < before.sqnr_db_min - TOLERATED_SQNR_LOSS_DB]:
        ratio = f"lowest SQNR to the reference {before.sqnr_db_min:.1f} -> {min(lost):.1f} dB"
        yield f"{ratio}{in_replicates(len(lost), len(current))}"
    same = before.top1_agreement
    still = [answer.top1_agreement for answer in answers if answer.top1_agreement is not None]
    if same is not None and (fewer := [share for share in still if share < same - TOLERATED_TOP1_LOSS]):
        share = f"images with the reference's best class {same:.0%} -> {min(fewer):.0%}"
        yield f"{share}{in_replicates(len(fewer), len(current))}"


def worse_facts(baseline: Sequence[Sample], current: Sequence[Sample]) -> Iterator[str]:
    """What got worse by more than is tolerated, one phrase each: ``layers 56 -> 217``.

    Samples come in the order of their dates; the baseline's newest is what every one of the run is held to, for a
    process that built an engine anew may have another one than those beside it.
    """
    before = baseline[-1]
    for name, growth in TOLERATED_GROWTH.items():
        old = before.facts.get(name)
        if not isinstance(old, int):
            continue
        most = max(old * (1 + growth), old + _LEAST_GROWTH.get(name, 0))
        told = [value for sample in current if isinstance(value := sample.facts.get(name), int)]
        if larger := [value for value in told if value > most]:
            yield f"{name} {old} -> {max(larger)}{in_replicates(len(larger), len(current))}"
    whole = _delivered_share(before)
    shares = [share for share in map(_delivered_share, current) if share is not None]
    if whole is not None and (fewer := [share for share in shares if share < whole - TOLERATED_DELIVERY_LOSS]):
        phrase = f"compute layers in the named precision {whole:.0%} -> {min(fewer):.0%}"
        yield f"{phrase}{in_replicates(len(fewer), len(current))}"


def in_replicates(count: int, of: int) -> str:
    """Which part of a side a phrase is about; nothing where it is all of it."""
    return "" if count == of else f" ({count} of {of} replicates)"


def _delivered_share(sample: Sample) -> float | None:
    delivered, computing = sample.facts.get("delivered_layers"), sample.facts.get("compute_layers")
    return delivered / computing if isinstance(delivered, int) and isinstance(computing, int) and computing else None
