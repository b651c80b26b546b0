"""The parts of a replicate become the replicate, or are refused by name."""

from __future__ import annotations

import copy
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.errors import UserError
from perfkit.record.merge import Part, machine_differences, merge
from perfkit.record.read import run_from_json
from perfkit.record.schema import Outcome, RunRecord, Status
from tests.shards import cut, models_of, parts, without_shards
from tests.support import CPU, case, run_data, usual_times

if TYPE_CHECKING:
    from collections.abc import Callable

MODELS = ("resnet50", "mobilenet_v2")
OUTCOMES = (
    Outcome(**case("trt-fp8")._asdict(), status=Status.SKIPPED, reason="the card is too old"),
    Outcome(**case("trt-fp8", "mobilenet_v2")._asdict(), status=Status.BROKEN, reason="cosine 0.2"),
)


def whole() -> dict[str, Any]:
    """A run of two models, with cases of every kind and a test that is none."""
    data = run_data(outcomes=OUTCOMES, spent_s={"whole": 30.0, "rounds": 20.0}, machine_state={"start_cpu_mhz": 2000})
    plain = copy.deepcopy(data["benchmarks"][0]) | {"fullname": "bench.py::test_plain", "extra_info": {}}
    data["benchmarks"].append(plain)
    return data


def edited(change: Callable[[dict[str, Any]], object]) -> list[Part]:
    """Two shards of one run, the second with a change."""
    first, second = cut(whole(), *([model] for model in MODELS))
    change(second)
    return parts([first, second])


def refusal(which: list[Part], absent: str | None = None) -> str:
    with pytest.raises(UserError) as told:
        merge(which, absent=absent)
    assert "\n" not in str(told.value)
    return str(told.value)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), of=st.integers(1, 5))
def test_all_shards_make_the_run_that_one_machine_would_have_recorded(seed: int, of: int) -> None:
    """However the models are divided, and in whatever order the shards come: the same cases, numbers and plan."""
    rng = random.Random(seed)  # noqa: S311
    times = {
        case(variant, f"model{n}"): (4e-3, 1e-3 * n) for n in range(1, 6) for variant in ("eager-fp32", "trt-fp16")
    }
    data = run_data(times, rounds=5, outcomes=OUTCOMES)
    shards: list[list[str]] = [[] for _ in range(of)]
    models = models_of(data)
    for place, model in enumerate(rng.sample(models, len(models))):
        shards[place % of].append(model)
    measured = parts(cut(data, *shards))
    rng.shuffle(measured)
    made = merge(measured)
    assert without_shards(run_from_json(made, "made-up.json")) == run_from_json(data, "made-up.json")
    assert [entry["fullname"] for entry in made["benchmarks"]] == [entry["fullname"] for entry in data["benchmarks"]]
    assert made["perfkit"]["outcomes"] == data["perfkit"]["outcomes"]


def test_what_isnt_a_case_is_kept_and_what_cant_be_one_number_is_told_by_shard() -> None:
    first, second = cut(whole(), *([model] for model in MODELS))
    second["datetime"] = "2030-01-01T01:00:00+00:00"
    first["perfkit"]["injected"] = "a/b/d=wrong"
    second["perfkit"] |= {"incomplete": "3 of 6 tests are left", "injected": "a/b/c=slow:10%", "processes": 2}
    second["perfkit"]["machine_state"] = {"start_cpu_mhz": 3000}
    made = merge(parts([first, second]))
    record = RunRecord.model_validate(made["perfkit"])
    assert made["datetime"] == second["datetime"], "when the first of them began"
    assert made["benchmarks"][-1]["fullname"] == "bench.py::test_plain"
    assert record.shard is None
    assert record.incomplete == "shard 2/2: 3 of 6 tests are left"
    assert record.injected == "a/b/d=wrong, a/b/c=slow:10%"
    assert record.processes == 3
    assert record.spent_s == {"whole": 60.0, "rounds": 40.0}
    assert record.machine_state == {"start_cpu_mhz (shard 1)": 2000, "start_cpu_mhz (shard 2)": 3000}
    assert [(shard.number, shard.models) for shard in record.shards] == [(1, ["resnet50"]), (2, ["mobilenet_v2"])]


def test_machines_of_one_hardware_that_differ_are_recorded_and_named() -> None:
    """Another host and another kernel, and a suspect wherever the run is compared."""
    first, second = cut(whole(), *([model] for model in MODELS))
    for shard, node, kernel in ((first, "runner-a", "6.1"), (second, "runner-b", "6.8")):
        shard["machine_info"]["node"] = node
        shard["perfkit"]["software"]["kernel"] = kernel
    made = merge(parts([second, first]))
    record = RunRecord.model_validate(made["perfkit"])
    assert machine_differences(record.shards) == {
        "node": "runner-a (shard 1), runner-b (shard 2)",
        "kernel": "6.1 (shard 1), 6.8 (shard 2)",
    }
    assert record.software["kernel"] == "6.1 (shard 1), 6.8 (shard 2)"
    alike = RunRecord.model_validate(merge(parts(cut(whole(), *([model] for model in MODELS))))["perfkit"])
    assert machine_differences(alike.shards) == {}
    assert "kernel" not in alike.software


def test_missing_and_doubled_shards_are_named() -> None:
    data = whole()
    first, second = cut(data, *([model] for model in MODELS))
    assert refusal(parts([first])) == "shard 2/2 is missing beside a; a run is all 2 of them"
    assert refusal(parts([first, second, first])) == "shard 1/2 is there 2 times, a and c: leave one"
    assert refusal(parts([data])) == "a: is no shard; perfkit run --shard measures those"


def test_what_may_be_absent_is_planned_and_not_run() -> None:
    """Shards that repeat nothing, for a repeat of cases in doubt."""
    first, _ = cut(data := whole(), *([model] for model in MODELS))
    run = run_from_json(merge(parts([first]), absent="deselected"), "a")
    assert {sample.model for sample in run.replicate.samples if sample.variant} == {"resnet50"}
    assert len(run.outcomes) == len(data["perfkit"]["outcomes"]) + 1
    assert {o.reason for o in run.outcomes if o.model == "mobilenet_v2"} == {"deselected"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["commit_info"].update(id="f" * 40), f"commit ({1:040x} -> {'f' * 40})"),
        (lambda d: d["commit_info"].update(dirty=True), f"commit ({1:040x} -> {1:040x}+dirty)"),
        (lambda d: d["perfkit"]["shard"]["code"].update(configuration="abc"), f"configuration ({'1' * 12} -> abc)"),
        (
            lambda d: d["perfkit"]["shard"]["code"].update({"uncommitted changes": "abc"}),
            "uncommitted changes (none -> abc)",
        ),
        (lambda d: d["perfkit"]["shard"]["plan"].pop(), "plan (1 cases less, 0 more)"),
        (
            lambda d: d["perfkit"].update(hardware=CPU.model_dump(mode="json")),
            "hardware (Made Up GPU x1, 80 GiB, compute capability 9.0 -> Made Up CPU x2, 24 GiB)",
        ),
        (lambda d: d["perfkit"].update(settings={"tf32": True}), "settings (tf32 False -> tf32 True)"),
        (lambda d: d["perfkit"].update(suite="full"), "suite (nightly -> full)"),
        (lambda d: d["perfkit"]["software"].update(torch="2.12"), "version of torch (2.11.0 -> 2.12)"),
        (lambda d: d["perfkit"]["shard"].update(of=3), "shards (2 -> 3)"),
    ],
)
def test_shards_of_other_runs_are_refused_with_what_differs(change: Callable[[Any], object], told: str) -> None:
    assert (
        refusal(edited(change))
        == f"shard 2/{3 if 'shards' in told else 2} (b) is not of one run with shard 1/2 (a): {told}"
    )


def test_shards_that_divided_the_plan_otherwise_are_refused() -> None:
    """Their baselines differed: a model is measured twice, or never."""
    data = run_data(usual_times() | {case("eager-fp32", "vgg16"): (1e-2, 1e-2)})
    both = parts(cut(data, ["resnet50", "vgg16"], ["mobilenet_v2", "vgg16"]))
    vgg16 = case("eager-fp32", "vgg16")
    assert refusal(both).startswith(f"{vgg16} is in shard 1/2 (a) and in shard 2/2 (b): they were divided by other")
    none = parts(cut(data, ["resnet50"], ["mobilenet_v2"]))
    assert refusal(none).startswith(f"{vgg16} is in none of the 2 shards: they were divided by other baselines")


def test_a_part_that_is_damaged_is_named() -> None:
    assert refusal(edited(lambda data: data.pop("benchmarks"))).startswith("b: key 'benchmarks' is missing")
    assert refusal(edited(lambda data: data["perfkit"]["shard"].update(number=3))).startswith("b: perfkit.shard")
