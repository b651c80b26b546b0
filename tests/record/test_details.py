from __future__ import annotations

import json
from typing import TYPE_CHECKING

from perfkit.record.details import baseline_details, details_from_json, read_details
from tests.support import benchmark_of, case, plain_data, run_data, write_run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TIMES = {case(): (4e-3, 1e-3), case("trt-int8"): (4e-3, 8e-4)}


def test_records_and_machine_state_of_a_run() -> None:
    details = details_from_json(run_data(TIMES, machine_state={"start_cpu_mhz": 2100}), "run.json")
    assert set(details.records) == set(TIMES)
    assert len(details.records[case()].rounds.variant_device_s or ()) == 20
    assert details.machine_state == {"start_cpu_mhz": 2100}
    assert details.source == "run.json"


def test_a_case_with_a_number_that_cannot_be_true_is_left_out() -> None:
    data = run_data(TIMES)
    benchmark_of(data, case())["extra_info"]["perfkit"]["rounds"]["variant_wall_s"][3] = -1.0
    assert set(details_from_json(data, "run.json").records) == {case("trt-int8")}


def test_a_plain_file_has_the_rounds_that_it_kept() -> None:
    data = plain_data({case(): 1e-3, case("trt-int8"): 8e-4}, rounds=4)
    del data["benchmarks"][1]["stats"]["data"]
    details = details_from_json(data, "plain.json")
    assert details.plain_s == {case(): (1e-3,) * 4}
    assert not details.records


def test_a_baseline_lends_rounds_only_where_run_files_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "auto", TIMES)  # a folder of that name isn't what auto means
    assert baseline_details("auto") == baseline_details("none") == baseline_details("git:main") == []
    assert len(baseline_details("./auto")) == 1


def test_what_is_no_run_has_no_details(tmp_path: Path) -> None:
    good = write_run(tmp_path, TIMES)
    (tmp_path / "cut.json").write_text(good.read_text("utf-8")[:500], encoding="utf-8")
    (tmp_path / "baseline.json").write_text(json.dumps({"kind": "perfkit-baseline"}), encoding="utf-8")
    (tmp_path / ".hidden.json").write_text("{}", encoding="utf-8")
    assert [details.source for details in read_details(tmp_path)] == [str(good)]
    assert read_details(tmp_path / "nowhere.json") == []
    assert read_details(tmp_path / "cut.json") == []
