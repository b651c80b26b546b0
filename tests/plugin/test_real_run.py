from __future__ import annotations

import statistics
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.record.read import read_run
from perfkit.record.schema import CaseRecord, RunRecord
from tests.projects import LARGE, MODEL, SMALL, Ended, run_pytest, saved_files, saved_run, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS = ["openvino-fp32", "openvino-int8", "twin"]
EVERY = [(variant, shape) for variant in ("eager-fp32", *VARIANTS) for shape in (SMALL, LARGE)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("real"), suite(VARIANTS))
    (folder / "test_other.py").write_text("def test_other():\n    pass\n")
    return folder


@pytest.fixture(scope="module")
def ended(project: Path) -> Ended:
    return run_pytest(
        project, "--benchmark-autosave", "--benchmark-save-data", "--benchmark-only", "--perfkit-baseline=none"
    )


@pytest.fixture
def run(project: Path, ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.out
    return saved_run(project)


def records(run: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(b["params"]["perfkit_variant"], b["params"]["perfkit_shape"]): b for b in run["benchmarks"]}


def test_real_engines_pass_and_other_tests_are_left_out(ended: Ended) -> None:
    assert ended.code == 0, ended.out
    assert ended.counts == {"passed": len(EVERY), "skipped": 1}


def test_every_case_is_saved_in_plan_order(run: dict[str, Any]) -> None:
    """pytest sorts tests with shared parameters; the plan's order is restored."""
    assert list(records(run)) == EVERY
    assert [(outcome["variant"], outcome["shape"]) for outcome in run["perfkit"]["outcomes"]] == EVERY
    assert {outcome["status"] for outcome in run["perfkit"]["outcomes"]} == {"measured"}


def test_the_file_is_one_that_perfkit_reads(project: Path, run: dict[str, Any]) -> None:
    found = read_run(saved_files(project)[-1])
    assert {(sample.case.variant, sample.case.shape) for sample in found.replicate.samples} == set(EVERY)
    assert found.hardware.platform == "cpu"
    assert found.replicate.software["openvino"]
    RunRecord.model_validate(run["perfkit"])


@pytest.mark.case("A07")
def test_records_fit_the_schema_and_pytest_benchmarks_own_numbers(run: dict[str, Any]) -> None:
    for (variant, shape), benchmark in records(run).items():
        record = CaseRecord.model_validate(benchmark["extra_info"]["perfkit"])
        assert (record.model, record.variant, record.shape) == (MODEL, variant, shape)
        calls_s, count = benchmark["stats"]["data"], record.rounds.variant_calls
        assert record.rounds.variant_wall_s == [
            statistics.median(calls_s[start : start + count]) for start in range(0, len(calls_s), count)
        ]
        assert len(calls_s) == 6 * count
        assert record.rounds.order == "RV" * 3
        assert record.rounds.variant_device_s is None
        assert all(isinstance(value, str) and len(value) < 50 for value in benchmark["params"].values())
        assert benchmark["extra_info"]["weights"] == record.comparability.weights
        assert benchmark["group"] == f"{MODEL} {shape}"


def test_work_is_counted_by_shape_and_precision(run: dict[str, Any]) -> None:
    work = {case: benchmark["extra_info"]["perfkit"]["work"] for case, benchmark in records(run).items()}
    small, large = work["openvino-fp32", SMALL], work["openvino-fp32", LARGE]
    assert small["precision"] == "fp32"
    assert large["flops"] > small["flops"] > 1e6
    assert work["openvino-int8", SMALL] == {
        "precision": "int8",
        "flops": small["flops"],
        "min_bytes": small["min_bytes"] / 4,
    }
    assert work["twin", SMALL] is None  # it is named for no precision


def test_engines_are_proven_by_their_facts(run: dict[str, Any]) -> None:
    facts = {variant: b["extra_info"]["perfkit"]["facts"] for (variant, _), b in records(run).items()}
    assert facts["openvino-fp32"]["engines"] == facts["openvino-int8"]["engines"] == 1
    assert not {"i8", "u8"} & set(facts["openvino-fp32"]["layer_formats"])
    assert {"i8", "u8"} & set(facts["openvino-int8"]["layer_formats"])
    assert facts["openvino-int8"]["engine_bytes"] < facts["openvino-fp32"]["engine_bytes"]
    assert facts["twin"]["engines"] is None
    assert facts["twin"]["notes"] == ["twin was here"]


def test_the_environment_is_beside_the_numbers(run: dict[str, Any]) -> None:
    assert run["perfkit"]["software"]["openvino"] == version("openvino")
    assert run["perfkit"]["software"]["torch"].startswith(version("torch"))
    assert run["perfkit"]["settings"] == {"threads": 1}
    assert {name.partition("_")[0] for name in run["perfkit"]["machine_state"]} == {"start", "end"}
    assert run["perfkit"]["injected"] is None


def test_what_its_time_was_spent_on_is_told(ended: Ended, run: dict[str, Any]) -> None:
    spent_s = dict(run["perfkit"]["spent_s"])
    whole_s = spent_s.pop("whole")
    assert set(spent_s) == {"starting", "loading", "building", "answers", "costs", "warming", "rounds"}
    assert all(part_s > 0 for part_s in spent_s.values())
    assert sum(spent_s.values()) < whole_s
    cases_s = [b["extra_info"]["perfkit"]["rounds_s"] for b in run["benchmarks"]]
    assert sum(cases_s) == pytest.approx(spent_s["rounds"], rel=0.05)
    (line,) = [line for line in ended.lines if " s in rounds (" in line]
    assert line.endswith(f"; builds aside: {spent_s['building']:.0f} s")


def test_progress_is_plain_lines_without_a_terminal(ended: Ended) -> None:
    assert ended.lines.count(f"perfkit: loading {MODEL}") == 1
    assert ended.lines.count(f"perfkit: building {MODEL} openvino-int8") == 1
    done = [line for line in ended.lines if line.startswith("perfkit: [")]
    assert len(done) == len(EVERY)
    assert done[-1].startswith(f"perfkit: [8/8] {MODEL}/twin/{LARGE}")
    assert "x wall" in done[-1]
    assert "\x1b" not in ended.out


def test_the_next_run_loads_what_this_one_built(project: Path, run: dict[str, Any]) -> None:
    """From the project's own store; --rebuild builds anew."""
    engines = {"openvino-fp32", "openvino-int8"}
    first = {variant: entry["extra_info"]["perfkit"]["facts"] for (variant, _), entry in records(run).items()}
    assert {variant for variant, facts in first.items() if facts["from_store"] is False} == engines
    assert len(list((project / ".perfkit" / "engines").iterdir())) == 2
    for options, found in (((), True), (("--rebuild",), None)):
        again = run_pytest(
            project, "--benchmark-autosave", "--perfkit-baseline=none", "-k", f"openvino and {SMALL}", *options
        )
        assert again.code == 0, again.out
        facts = {
            variant: entry["extra_info"]["perfkit"]["facts"]
            for (variant, _), entry in records(saved_run(project)).items()
        }
        assert {name: fact["from_store"] for name, fact in facts.items()} == dict.fromkeys(engines, found)
        if found:
            assert all(fact["engine_sha256"] == first[name]["engine_sha256"] for name, fact in facts.items())
