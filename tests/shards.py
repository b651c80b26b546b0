"""Made-up runs cut into shards, as several machines would have measured them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import CaseId
from perfkit.record.merge import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.record.replicate import Run

CODE = {"commit": "0" * 12, "uncommitted changes": "none", "configuration": "1" * 12}


def cut(data: dict[str, Any], *shards: Sequence[str]) -> list[dict[str, Any]]:
    """The run's file as shards with these models would have left it; tests that are no cases are in the first."""
    plan = [[outcome["model"], outcome["variant"], outcome["shape"]] for outcome in data["perfkit"]["outcomes"]]
    return [_cut(data, plan, number, len(shards), models) for number, models in enumerate(shards, 1)]


def parts(data: Sequence[dict[str, Any]]) -> list[Part]:
    """Named by their places: a, b, c."""
    return [Part(chr(ord("a") + place), each) for place, each in enumerate(data)]


def models_of(data: dict[str, Any]) -> list[str]:
    """In the order of the plan."""
    return list(dict.fromkeys(outcome["model"] for outcome in data["perfkit"]["outcomes"]))


def case_of(entry: dict[str, Any]) -> CaseId | None:
    own = entry["extra_info"].get("perfkit")
    return None if own is None else CaseId(own["model"], own["variant"], own["shape"])


def without_shards(run: Run) -> Run:
    """As if one machine had recorded it: whose shards it has is all that a merged run has besides."""
    assert run.replicate.shard_ids
    return run.model_copy(update={"replicate": run.replicate.model_copy(update={"shard_ids": None})})


def _cut(data: dict[str, Any], plan: list[list[str]], number: int, of: int, models: Sequence[str]) -> dict[str, Any]:
    shard = copy.deepcopy(data)
    shard["benchmarks"] = [
        entry
        for entry in shard["benchmarks"]
        if (number == 1 if (case := case_of(entry)) is None else case.model in models)
    ]
    run = shard["perfkit"]
    run["outcomes"] = [outcome for outcome in run["outcomes"] if outcome["model"] in models]
    run["shard"] = {"number": number, "of": of, "plan": copy.deepcopy(plan), "code": dict(CODE)}
    return shard
