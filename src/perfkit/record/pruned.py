"""A baseline thinned out: cases that are gone, replicates beyond the newest, and samples that prove nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from perfkit.record.replicate import by_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.catalog.case import CaseId
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Replicate


def pruned(baseline: Baseline, is_gone: Callable[[CaseId], bool], keep: int | None) -> Baseline:
    """Without the cases that are gone, and with at most ``keep`` replicates of each other, the newest that are sound.

    Anchors of cases of which nothing is left go too, and changes that only name runs which are no longer in the file;
    those that were accepted against something stay.
    """
    counted: Counter[CaseId] = Counter()
    kept: list[Replicate] = []
    for replicate in sorted(baseline.replicates, key=by_date)[::-1]:
        samples = []
        for sample in replicate.sound:
            counted[sample.case] += 1
            if not is_gone(sample.case) and (keep is None or counted[sample.case] <= keep):
                samples.append(sample)
        if samples:
            kept.append(replicate.model_copy(update={"samples": samples}))
    left = {replicate.run_id for replicate in kept}
    cases = {sample.case for replicate in kept for sample in replicate.samples}
    return replace(
        baseline,
        replicates=tuple(kept[::-1]),
        anchors=tuple(anchor for anchor in baseline.anchors if anchor.case in cases),
        changes=tuple(
            change
            for change in baseline.changes
            if change.accepted or change.action != "promote" or any(run.run_id in left for run in change.runs)
        ),
    )
