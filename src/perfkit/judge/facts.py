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
}
"""By what share a fact may grow; each is the better the smaller it is.

Between the builds of docs/h100.md, with other timing caches, layers differ by up to 8% and engine bytes by up to 13%
(of an engine of 10 MB); a lost fusion doubles the layers and more.
"""
TOLERATED_SQNR_LOSS_DB = 6.0
"""Half the signal-to-noise ratio in amplitude: the error of the answers has doubled."""


def worse_facts(baseline: Sequence[Sample], current: Sequence[Sample]) -> Iterator[str]:
    """What got worse by more than is tolerated, one phrase each: ``layers 56 -> 217``.

    Samples come in the order of their dates; the newest of each side are compared.
    """
    before, after = baseline[-1], current[-1]
    for name, growth in TOLERATED_GROWTH.items():
        old, new = before.facts.get(name), after.facts.get(name)
        if isinstance(old, int) and isinstance(new, int) and new > old * (1 + growth):
            yield f"{name} {old} -> {new}"
    if before.agreement is not None and after.agreement is not None:
        old_db, new_db = before.agreement.sqnr_db_min, after.agreement.sqnr_db_min
        if new_db < old_db - TOLERATED_SQNR_LOSS_DB:
            yield f"smallest SQNR to the reference {old_db:.1f} -> {new_db:.1f} dB"
