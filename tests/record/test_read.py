from __future__ import annotations

import json
import math
import random
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import CaseId, Platform
from perfkit.errors import UserError
from perfkit.record.details import read_details
from perfkit.record.hardware import file_key
from perfkit.record.read import read_run, read_runs, run_from_json
from perfkit.record.schema import Outcome, Status
from perfkit.untrusted import MAX_BYTES
from tests.support import (
    CPU,
    benchmark_of,
    case,
    make_run,
    plain_data,
    run_data,
    write_run,
)

if TYPE_CHECKING:
    from pathlib import Path


def sample_of(run: Any, which: CaseId) -> Any:
    (sample,) = [sample for sample in run.replicate.samples if sample.case == which]
    return sample


def test_a_record_becomes_one_number_per_metric() -> None:
    data = run_data({case(): (4e-3, 1e-3)}, rounds=5)
    rounds = benchmark_of(data, case())["extra_info"]["perfkit"]["rounds"]
    rounds["reference_device_s"] = [4e-3, 4e-3, 4e-3, 8e-3, 4e-3]
    rounds["variant_device_s"] = [1e-3, 2e-3, 1e-3, 2e-3, 1e-3]
    device = sample_of(run_from_json(data, "run"), case()).device
    # The median of the rounds' ratios 4, 2, 4, 4, 4: paired, not the ratio of medians.
    assert device.log_speedup == pytest.approx(math.log(4))
    assert device.variant_s == 1e-3
    assert device.reference_s == 4e-3
    # Quartiles of log(time) are log 1 ms and log 2 ms.
    assert device.variant_se == pytest.approx(0.93 * math.log(2) / math.sqrt(5))


@given(
    rounds=st.lists(st.lists(st.floats(1e-4, 1e-1), min_size=4, max_size=4), min_size=5, max_size=12),
)
def test_a_disturbed_case_doesnt_disagree_with_itself(rounds: list[list[float]]) -> None:
    """pytest-benchmark's median over all calls isn't the median of the rounds' medians, and may be far from it."""
    data = run_data({case(): (4e-3, 1e-3)}, rounds=len(rounds))
    benchmark = benchmark_of(data, case())
    own = benchmark["extra_info"]["perfkit"]["rounds"]
    own["variant_wall_s"], own["variant_calls"] = [median(calls_s) for calls_s in rounds], 4
    every = [call_s for calls_s in rounds for call_s in calls_s]
    benchmark["stats"] |= {"median": median(every), "min": min(every), "max": max(every), "rounds": len(every)}
    (outcome,) = run_from_json(data, "run").outcomes
    assert outcome.status is Status.MEASURED, outcome.reason


def test_a_record_keeps_what_judging_needs() -> None:
    run = make_run(injected="10% into resnet50")
    assert run.injected == "10% into resnet50"
    assert run.replicate.suite == "nightly"
    assert run.replicate.software["torch"] == "2.11.0"
    assert run.replicate.software["python"] == "3.12.1"
    assert run.replicate.settings == {"tf32": "False"}
    sample = sample_of(run, case())
    assert sample.comparability["weights"] == "random seed 0"
    assert sample.comparability["settings.tf32"] == "False"
    assert sample.facts == {"engines": 1, "layers": 56, "fallback_ops": 0}
    assert sample.agreement.cosine_min == 0.9995


def test_the_cpu_platform_has_wall_times_only() -> None:
    run = make_run(hardware=CPU)
    assert run.replicate.platform is Platform.CPU
    assert all(sample.device is None for sample in run.replicate.samples)


def test_a_plain_file_takes_the_ratio_to_its_reference() -> None:
    data = plain_data({case("eager-fp32"): 4e-3, case("trt-fp16"): 1e-3})
    run = run_from_json(data, "run")
    assert run.replicate.platform is Platform.CUDA
    wall = sample_of(run, case("trt-fp16")).wall
    assert wall.log_speedup == pytest.approx(math.log(4))
    assert wall.log_speedup_se == pytest.approx(math.hypot(0.93 * 0.005, 0.93 * 0.005) / 20**0.5)
    assert sample_of(run, case("eager-fp32")).wall.log_speedup is None


def test_a_plain_file_without_model_variant_and_shape_goes_by_full_names() -> None:
    data = plain_data({case(): 1e-3})
    data["benchmarks"][0]["extra_info"] = {"model": "resnet50"}
    (sample,) = run_from_json(data, "run").replicate.samples
    assert str(sample.case) == f"bench.py::test[{case()}]"


def test_the_run_id_knows_a_copy_and_nothing_else(tmp_path: Path) -> None:
    data = run_data()
    original = run_from_json(data, "a").replicate.run_id
    copy = json.loads(json.dumps(data))
    random.Random(1).shuffle(copy["benchmarks"])  # noqa: S311
    assert run_from_json(copy, "b").replicate.run_id == original
    for key, value in (("datetime", "2031-01-01"), ("commit_info", {"id": "f" * 40})):
        assert run_from_json(copy | {key: value}, "b").replicate.run_id != original
    copy["benchmarks"][0]["stats"]["median"] *= 1.01
    assert run_from_json(copy, "b").replicate.run_id != original
    assert read_run(write_run(tmp_path, day=1)).replicate.run_id == original


def test_outcomes_name_every_case_of_the_plan() -> None:
    skipped = Outcome(**case("eager-bf16")._asdict(), status=Status.SKIPPED, reason="the CPU lacks bf16")
    broken = Outcome(**case("trt-int8")._asdict(), status=Status.BROKEN, reason="cosine 0.2")
    data = run_data({case(): (4e-3, 1e-3), case("trt-int8"): (4e-3, 1e-3)})
    data["perfkit"]["outcomes"] = [
        outcome.model_dump(mode="json")
        for outcome in (skipped, broken, Outcome(**case()._asdict(), status=Status.MEASURED))
    ]
    run = run_from_json(data, "run")
    assert {(outcome.variant, outcome.status) for outcome in run.outcomes} == {
        ("eager-bf16", Status.SKIPPED),
        ("trt-int8", Status.BROKEN),
        ("trt-fp16", Status.MEASURED),
    }
    # A case that the run itself calls broken lends no times, though the file has some.
    assert [sample.variant for sample in run.replicate.samples] == ["trt-fp16"]


def test_a_case_planned_twice_is_broken() -> None:
    data = run_data({case(): (4e-3, 1e-3)})
    data["perfkit"]["outcomes"] *= 2
    (outcome,) = run_from_json(data, "run").outcomes
    assert (outcome.status, outcome.reason) == (Status.BROKEN, "planned twice")


def test_a_folder_is_its_runs_in_the_order_of_their_dates(tmp_path: Path) -> None:
    for day in (3, 1, 2):
        write_run(tmp_path, day=day)
    (tmp_path / ".0004.json.77.tmp").write_text("{")
    (tmp_path / "notes.txt").write_text("no run")
    dates = [run.replicate.datetime[:10] for run in read_runs(tmp_path)]
    assert dates == ["2030-01-01", "2030-01-02", "2030-01-03"]


def unreadable(**changes: Any) -> dict[str, Any]:
    return run_data({case(): (4e-3, 1e-3)}) | changes


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (unreadable(version=5), "key 'version' is missing or no str"),
        (unreadable(version="6.0.0"), "written by pytest-benchmark 6.0.0; known are 4 and 5"),
        (unreadable(datetime=None), "key 'datetime'"),
        (unreadable(machine_info=[]), "key 'machine_info' is missing or no dict"),
        (unreadable(benchmarks={}), "key 'benchmarks' is missing or no list"),
        (unreadable(benchmarks=["x"]), r"benchmarks\[0\] has no stats"),
        (unreadable(benchmarks=[{"stats": {}}]), "neither model, variant and shape nor"),
        (unreadable(perfkit=[]), "key 'perfkit' is missing or no dict"),
        (unreadable(perfkit={"schema_version": 2}), "schema version 2, this perfkit knows 1"),
        (unreadable(perfkit={"schema_version": 1}), r"perfkit\.suite: Field required \(and"),
        (unreadable(kind="perfkit-baseline"), "is a baseline; a run is expected"),
        (unreadable(version="x" * 5000), "written by pytest-benchmark x{30}; known are"),
        (plain_data({case(): 1e-3}) | {"machine_info": {"gpu": {"name": "x", "count": 10**7}}}, "count: "),
        (plain_data({case(): 1e-3}) | {"machine_info": {"gpu": {"name": "x", "memory_mib": 10**299}}}, "memory_gib: "),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(data: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        run_from_json(data, "run.json")
    assert str(error.value).startswith("run.json: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 7}, "schema version 7, this perfkit knows 1"),
        ({"warmup": None}, r"benchmarks\[0\]: extra_info.perfkit.warmup: "),
    ],
)
def test_a_foreign_case_record_is_refused(change: dict[str, Any], message: str) -> None:
    data = run_data({case(): (4e-3, 1e-3)})
    data["benchmarks"][0]["extra_info"]["perfkit"] |= change
    with pytest.raises(UserError, match=message):
        run_from_json(data, "run.json")


@pytest.mark.parametrize("data", [[], ["fast", 1e-3], [1e-3, 0.0, -1.0], [math.nan, 1e-3], {"0": 1e-3}, [[1e-3], 1e-3]])
def test_rounds_that_can_not_be_are_as_if_they_were_not_kept(tmp_path: Path, data: object) -> None:
    plain = plain_data({case(): 1e-3})
    plain["benchmarks"][0]["stats"]["data"] = data
    (sample,) = run_from_json(plain, "run").replicate.samples
    assert (sample.tail, sample.first_round_ratio) == (None, None)
    (tmp_path / "run.json").write_text(json.dumps(plain))
    assert not any(details.plain_s for details in read_details(tmp_path / "run.json"))


@pytest.mark.parametrize("rounds", [{"0": {"wall": [1e-3]}, "reference": -1}, {"": 1e-3, "dirty": 0}])
def test_rounds_that_are_no_list_are_refused(rounds: object) -> None:
    """Found by the fuzzers: the place of a bad time among the rounds was taken for a number."""
    data = run_data({case(): (4e-3, 1e-3)})
    benchmark_of(data, case())["extra_info"]["perfkit"]["rounds"]["variant_wall_s"] = rounds
    with pytest.raises(UserError, match="Input should be a valid list"):
        run_from_json(data, "run.json")


def test_a_platform_may_be_anything_in_a_plain_file() -> None:
    """Found by the fuzzers."""
    data = plain_data({case(): 1e-3})
    data["benchmarks"][0]["extra_info"]["platform"] = {"of": ["what"]}
    assert run_from_json(data, "run").replicate.platform is Platform.CUDA


def test_a_name_that_no_encoding_has_can_be_written(tmp_path: Path) -> None:
    data = run_data({case(): (4e-3, 1e-3)})
    data["perfkit"]["hardware"]["name"] = data["perfkit"]["suite"] = "\ud800"
    (tmp_path / "run.json").write_text(json.dumps(data))
    run = read_run(tmp_path / "run.json")
    assert (run.hardware.name, run.replicate.suite) == ("\\ud800", "\\ud800")
    assert file_key(run.hardware).isascii()


def test_a_case_record_that_is_no_object_is_refused() -> None:
    data = run_data({case(): (4e-3, 1e-3)})
    data["benchmarks"][0]["extra_info"]["perfkit"] = [1]
    with pytest.raises(UserError, match="perfkit is no object"):
        run_from_json(data, "run.json")


@pytest.mark.parametrize(
    ("stats", "reason"),
    [
        ({"rounds": 0}, "number of rounds is not positive (0)"),
        ({"rounds": True}, "number of rounds is not positive (True)"),
        ({"rounds": 10**200}, "number of rounds is not plausible (100000000000000000...0000000000000000000)"),
        ({"iqr": 10**200}, "interquartile range is no length of time (100000000000000000...0000000000000000000)"),
        ({"median": 10**200}, "median time is not plausible (1e+200 s)"),
        ({"median": ["x" * 5000]}, "median time is not a number (['xxxxxxxxxxxx...xxxxxxxxxxxxx'])"),
        ({"iqr": math.nan}, "interquartile range is no length of time (nan)"),
        ({"median": "fast"}, "median time is not a number ('fast')"),
        ({"max": None}, "max time is not a number (None)"),
    ],
)
def test_statistics_that_can_not_be_break_their_case(stats: dict[str, Any], reason: str) -> None:
    data = plain_data({case(): 1e-3})
    data["benchmarks"][0]["stats"] |= stats
    (outcome,) = run_from_json(data, "run").outcomes
    assert (outcome.status, outcome.reason) == (Status.BROKEN, reason)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b'{"a":\n  1,,', r"line 2 column 5 \(byte 10\)"),
        ('{"é": }'.encode(), r"column 7 \(byte 7\)"),
        (b'{"a": "\xff"}', r"not UTF-8 text \(byte 7\)"),
        (b"[1]", "holds a JSON array"),
        (b"3", "holds a JSON number"),
        (b"null", "holds a JSON null"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number of more than 300 digits"),
        (b'\xef\xbb\xbf{"a": 1}', "begins with a byte order mark"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' stands twice in one object"),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_place(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        read_runs(path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.case("A07")
def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    with path.open("ab") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(UserError, match="larger than 50 MiB"):
        read_runs(path)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json: cannot be read: No such file"):
        read_runs(tmp_path / "none.json")
    with pytest.raises(UserError, match=r"holds no run \(\*\.json\)"):
        read_runs(tmp_path)


def test_a_record_of_another_platform_than_its_run_is_refused() -> None:
    data = run_data()
    data["perfkit"] |= {"platform": "cpu"}
    with pytest.raises(UserError, match="is of the platform cuda, its run of cpu"):
        run_from_json(data, "x.json")
