"""What a model weighs when a run is divided, as reviewed baselines have it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from perfkit.catalog.case import CaseId, Platform
from perfkit.catalog.plan import ModelPlan, Plan
from perfkit.catalog.profile import ShapeProfile
from perfkit.errors import UserError
from perfkit.record.baseline import Baseline, write_baseline
from perfkit.record.read import run_from_json
from perfkit.record.shard_weights import model_weights_s, reviewed_replicates
from tests.support import CPU, GPU, benchmark_of, run_data

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.record.replicate import Replicate

LOW, HIGH = (1, 3, 8, 8), (1, 3, 16, 16)
PROFILE = ShapeProfile(min=LOW, opt=LOW, max=HIGH)
PLAN = Plan(
    "nightly",
    Platform.CUDA,
    tuple(ModelPlan(label, label, PROFILE, (LOW, HIGH), ("eager-fp32", "trt-fp16")) for label in ("known", "other")),
)


def replicate(spent: dict[CaseId, tuple[float, float, float, bool]], day: int = 1) -> Replicate:
    """Seconds of rounds, building and loading, and whether the store had it."""
    data = run_data(dict.fromkeys(spent, (2e-3, 1e-3)), day=day)
    for case, (rounds_s, build_s, load_s, from_store) in spent.items():
        record = benchmark_of(data, case)["extra_info"]["perfkit"]
        record["rounds_s"] = rounds_s
        record["facts"] |= {"build_s": build_s, "load_s": load_s, "from_store": from_store}
    return run_from_json(data, "made-up.json").replicate


def test_a_variant_is_built_once_for_its_shapes_and_takes_what_it_took() -> None:
    """From the store what loading took, else what building did."""
    low, high = (CaseId("known", "trt-fp16", shape) for shape in ("1x3x8x8", "1x3x16x16"))
    reference = [CaseId("known", "eager-fp32", case.shape) for case in (low, high)]
    base = dict.fromkeys(reference, (2.0, 0.0, 0.0, False))
    built = replicate({**base, low: (4.0, 60.0, 1.0, False), high: (5.0, 60.0, 1.0, False)})
    assert model_weights_s(PLAN, [built])["known"] == pytest.approx(2 + 2 + 4 + 5 + 60)
    loaded = replicate({**base, low: (4.0, 60.0, 1.0, True), high: (5.0, 60.0, 1.0, True)}, day=2)
    assert model_weights_s(PLAN, [loaded, built])["known"] == pytest.approx(2 + 2 + 4 + 5 + 1), "the newest counts"


def test_what_nobody_knows_takes_what_the_others_do() -> None:
    known = [case for case in PLAN.cases() if case.model == "known"]
    told = model_weights_s(PLAN, [replicate(dict.fromkeys(known, (3.0, 0.0, 0.0, False)))])
    assert told == {"known": 12.0, "other": 12.0}
    half = model_weights_s(PLAN, [replicate(dict.fromkeys(known[:2], (3.0, 0.0, 0.0, False)))])
    assert half == {"known": 12.0, "other": 12.0}
    assert model_weights_s(PLAN, []) == {"known": 4.0, "other": 4.0}
    older = run_from_json(run_data({known[0]: (2e-3, 1e-3)}), "older.json").replicate
    assert model_weights_s(PLAN, [older]) == {"known": 4.0, "other": 4.0}


def test_baselines_keep_it_and_every_hardware_of_the_platform_counts(tmp_path: Path) -> None:
    """Which machines share the work isn't known when it is divided."""
    known = {case: (3.0, 1.0, 0.0, False) for case in PLAN.cases() if case.model == "known"}
    other = {case: (4.0, 1.0, 0.0, False) for case in PLAN.cases() if case.model == "other"}
    cards = [GPU, GPU.model_copy(update={"name": "Another GPU"}), CPU]
    for card, spent in zip(cards, (known, other, other), strict=True):
        path = tmp_path / f"{card.name}.json"
        write_baseline(path, Baseline(str(path), card, (replicate(spent),)))
    found = reviewed_replicates(tmp_path, Platform.CUDA)
    assert len(found) == 2
    assert model_weights_s(PLAN, found) == {"known": 14.0, "other": 18.0}
    assert reviewed_replicates(tmp_path / "nowhere", Platform.CUDA) == []
    (tmp_path / "broken.json").write_text(json.dumps({"kind": "something else"}))
    with pytest.raises(UserError, match=r"broken\.json: is no baseline"):
        reviewed_replicates(tmp_path, Platform.CUDA)
