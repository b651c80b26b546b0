"""What each model weighs when a run is divided into shards: the seconds that it took, as reviewed baselines have them.

No estimate of how long a run will take: `perfkit.replicates.durations` makes that of this machine's own runs, with what
their processes spent beside the rounds. Here every machine with the same commit must come to the same numbers, and only
their ratios count.
"""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from perfkit.record.baseline import baseline_files, read_reviewed
from perfkit.record.replicate import by_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from perfkit.catalog.case import CaseId, Platform
    from perfkit.catalog.plan import Plan
    from perfkit.record.replicate import Replicate

ROUNDS, BUILDING = "rounds", "building"
"""What a sample's ``spent_s`` has."""


def reviewed_replicates(folder: Path, platform: Platform) -> list[Replicate]:
    """Of every baseline of a platform in a folder, whatever the hardware: who divides a run needn't know it.

    Raises UserError for a file that can't be read.
    """
    baselines = [read_reviewed(path) for path in baseline_files(folder)]
    return [
        replicate
        for baseline in baselines
        if baseline.hardware.platform is platform
        for replicate in baseline.replicates
    ]


def model_weights_s(plan: Plan, replicates: Iterable[Replicate]) -> dict[str, float]:
    """By the label of each model about how long its cases took: rounds, and building or loading each variant once.

    The newest replicate that knows a case counts. A case that none knows counts as the others do in the mean;
    where nothing is known, every case is one second.
    """
    spent: dict[CaseId, Mapping[str, float]] = {}
    for replicate in sorted(replicates, key=by_date):
        spent |= {sample.case: sample.spent_s for sample in replicate.samples if sample.spent_s is not None}
    cases = plan.cases()
    known_s = [_of_model([case], spent) for case in cases if case in spent]
    usual_s = fmean(known_s) if known_s else 1.0
    return {
        model.label: _of_model([case for case in own if case in spent], spent)
        + usual_s * sum(case not in spent for case in own)
        for model in plan.models
        for own in [[case for case in cases if case.model == model.label]]
    }


def _of_model(cases: Iterable[CaseId], spent: Mapping[CaseId, Mapping[str, float]]) -> float:
    rounds_s, building_s = 0.0, dict[str, float]()
    for case in cases:
        rounds_s += spent[case].get(ROUNDS, 0.0)
        building_s[case.variant] = max(building_s.get(case.variant, 0.0), spent[case].get(BUILDING, 0.0))
    return rounds_s + sum(building_s.values())
