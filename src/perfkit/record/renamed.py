"""A baseline whose cases have other names: their replicates and anchors are those of before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from perfkit.errors import UserError
from perfkit.record.dates import order

if TYPE_CHECKING:
    from perfkit.catalog.case import CaseId
    from perfkit.catalog.renaming import Renaming
    from perfkit.record.anchor import Anchor
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Replicate


def renamed(baseline: Baseline, renaming: Renaming) -> tuple[Baseline, dict[CaseId, CaseId]]:
    """The baseline with new names, and each old name with its new one.

    What was promoted under the new name already becomes the same case; of two anchors the older stays.
    Raises UserError where one process has measured both: then they are two cases.
    """
    names: dict[CaseId, CaseId] = {}
    replicates = tuple(_replicate(replicate, renaming, names, baseline.source) for replicate in baseline.replicates)
    anchors: dict[CaseId, Anchor] = {}
    for anchor in sorted(baseline.anchors, key=lambda anchor: (order(anchor.datetime), anchor.case)):
        case = renaming(anchor.case)
        anchors.setdefault(case, anchor.model_copy(update=case._asdict()))
    return replace(baseline, replicates=replicates, anchors=tuple(anchors.values())), names


def _replicate(replicate: Replicate, renaming: Renaming, names: dict[CaseId, CaseId], source: str) -> Replicate:
    samples = {sample.case: sample for sample in replicate.samples if renaming(sample.case) == sample.case}
    for sample in replicate.samples:
        case = renaming(sample.case)
        if case == sample.case:
            continue
        if case in samples:
            raise UserError(
                f"{source}: {replicate.datetime} has measured both {sample.case} and {case}: they are two cases"
            )
        names[sample.case] = case
        samples[case] = sample.model_copy(update=case._asdict())
    return replicate.model_copy(update={"samples": [samples[case] for case in sorted(samples)]})
