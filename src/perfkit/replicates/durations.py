"""How long measuring will take, from what runs say they spent their time on: the last night's, or tonight's first one.

What is known of a case is what its rounds took, and of a process what it spent on everything; what isn't known of a
case is taken from the others. By what a run is divided into shards is something else: `perfkit.record.shard_weights`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import CaseId
from perfkit.record.replicate import by_date
from perfkit.record.schema import CaseRecord, RunRecord
from perfkit.record.shard_weights import ROUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from perfkit.catalog.config import Config
    from perfkit.record.replicate import Replicate

START_S = 15.0
"""Until a process can measure, where no record tells: imports of PyTorch and of the backends."""
MODEL_S = 5.0
"""Loading a model and its engines, where no record tells."""
BESIDE_ROUNDS = 1.2
"""A case takes so many times what its rounds take, where no record tells; 1.17 in results/cpu/2026-11-26-spent.json."""
_AROUND = ("whole", "starting", "loading", "building")


@dataclass(frozen=True)
class Durations:
    """Estimates, in seconds."""

    default_case_s: float
    """Of a case that no record knows, where none knows any."""
    case_s: Mapping[CaseId, float] = field(default_factory=dict)
    model_s: Mapping[str, float] = field(default_factory=dict)
    """Loading the model and its variants, their engines being in the store."""
    start_s: float = START_S

    def of_case(self, case: CaseId) -> float:
        """What the case takes once its variant is there; of an unknown one the median of those that are known."""
        known = self.case_s.get(case)
        if known is not None:
            return known
        return median(self.case_s.values()) if self.case_s else self.default_case_s

    def of_model(self, model: str) -> float:
        """What comes before the first case of a model."""
        known = self.model_s.get(model)
        if known is not None:
            return known
        return median(self.model_s.values()) if self.model_s else MODEL_S

    def of_process(self, cases: Iterable[CaseId]) -> float:
        """What one process takes that measures these cases; 0 for none."""
        wanted = list(cases)
        if not wanted:
            return 0.0
        models = dict.fromkeys(case.model for case in wanted)
        return self.start_s + sum(map(self.of_model, models)) + sum(map(self.of_case, wanted))


def usual_case_s(config: Config) -> float:
    """What a case takes by the configuration, where no record tells."""
    return BESIDE_ROUNDS * config.measure.time_budget_s


def durations_of(
    files: Sequence[Mapping[str, Any]], default_case_s: float, baseline: Sequence[Replicate] = ()
) -> Durations:
    """Estimates from what run files hold (`read_run_json`), the newest last: the last that knows a case counts.

    Of a case that no file knows a ``baseline``'s newest replicate tells what its rounds took: a runner that cleans its
    checkout has no last night. What building took there isn't asked for: engines may be in the store.
    """
    case_s = {
        sample.case: BESIDE_ROUNDS * sample.spent_s[ROUNDS]
        for replicate in sorted(baseline, key=by_date)
        for sample in replicate.samples
        if sample.spent_s is not None and ROUNDS in sample.spent_s
    }
    model_s: dict[str, float] = {}
    start_s = START_S
    for data in files:
        run = RunRecord.model_validate(data["perfkit"]) if "perfkit" in data else None
        records = list(_records(data))
        if run is None or not records:
            continue
        rounds_s = sum(record.rounds_s or 0.0 for record in records)
        spent_s = run.spent_s
        beside = BESIDE_ROUNDS
        if spent_s and rounds_s:
            whole_s, *around_s = (spent_s.get(name, 0.0) for name in _AROUND)
            beside = max(1.0, (whole_s - sum(around_s)) / rounds_s)
            start_s = spent_s.get("starting", START_S) / run.processes
        for record in records:
            if record.rounds_s is not None:
                case_s[CaseId(record.model, record.variant, record.shape)] = beside * record.rounds_s
        models = list(dict.fromkeys(record.model for record in records))
        loading_s = spent_s.get("loading", MODEL_S * len(models)) / len(models)
        for model in models:
            model_s[model] = loading_s + _variants_s(record for record in records if record.model == model)
    return Durations(default_case_s, case_s, model_s, start_s)


def _records(data: Mapping[str, Any]) -> Iterable[CaseRecord]:
    for entry in data.get("benchmarks", []):
        if "perfkit" in entry.get("extra_info", {}):
            yield CaseRecord.model_validate(entry["extra_info"]["perfkit"])


def _variants_s(records: Iterable[CaseRecord]) -> float:
    """Loading each variant from the store, or building it where it isn't kept there."""
    facts = {record.variant: record.facts for record in records}
    return sum(each.build_s if each.load_s is None else each.load_s for each in facts.values())
