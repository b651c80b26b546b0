"""A replicate that is put together from parts of several devices is the one that a single device would have made."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.errors import UserError
from perfkit.fleet.night import Gone, Job, Night
from perfkit.fleet.parts import Assembled
from perfkit.fleet.schedule import Device, Schedule
from perfkit.fleet.worker import Answer
from perfkit.record.journal import Expected, read_journal, run_json
from perfkit.record.read import read_run
from perfkit.replicates.durations import Durations
from tests.fleet.made_up import CASES, PLAIN, TESTS, Machines, part, session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEVICES = [Device(f"device-{number}", "gpu") for number in range(4)]
MODELS = list(dict.fromkeys(case.model for case in CASES))
ALL = [planned.test for planned in TESTS]


def job(folder: Path, name: str = "replicate-1", expected: Expected | None = None) -> Job:
    return Job("gpu", Assembled(folder / f"{name}.json", session(), expected or Expected()), ["benchmarks/"])


def measure(machines: Machines, jobs: list[Job], devices: int = 2, **options: Any) -> Night:
    durations = Durations(10.0)
    schedule = Schedule([unit for each in jobs for unit in each.units(durations)], DEVICES[:devices])
    night = Night(machines, DEVICES[:devices], jobs)
    night.measure(schedule, **options)
    return night


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, Any]:
    """What one device records that measures everything."""
    path = tmp_path / "alone.journal"
    path.write_bytes(part(ALL))
    return run_json(read_journal(path))


def test_the_record_is_that_of_one_device(tmp_path: Path, alone: dict[str, Any]) -> None:
    """But for the number of processes, and which of them measured a case."""
    machines = Machines()
    (one,) = jobs = [job(tmp_path)]
    measure(machines, jobs)
    data = json.loads((tmp_path / "replicate-1.json").read_text())
    processes = {
        entry["extra_info"]["perfkit"]["model"]: entry["extra_info"]["perfkit"].pop("process")
        for entry in data["benchmarks"]
    }
    for entry in alone["benchmarks"]:
        entry["extra_info"]["perfkit"].pop("process")
    assert sorted(processes.values()) == sorted(set(processes.values())), "each model has a process of its own"
    count = len(machines.began)
    assert (data["perfkit"].pop("processes"), alone["perfkit"].pop("processes")) == (count, 1)
    assert data["perfkit"].pop("spent_s") == {"whole": 10.0 * count, "starting": 4.0 * count}
    alone["perfkit"].pop("spent_s")
    nodes = {f"process_{number}_node": "test-host" for number in range(1, count + 1)}
    assert {name: data["perfkit"]["machine_state"].pop(name) for name in nodes} == nodes
    assert data == alone
    assert one.assembled.done == read_run(tmp_path / "replicate-1.json")
    assert [path.name for path in tmp_path.iterdir() if path.stem == "replicate-1"] == ["replicate-1.json"]


def test_each_test_is_measured_once_and_devices_work_at_once(tmp_path: Path) -> None:
    machines = Machines()
    measure(machines, [job(tmp_path), job(tmp_path, "replicate-2")])
    tests = [test for *_, of_task in machines.began for test in of_task]
    assert sorted(tests) == sorted([*ALL, *ALL])
    assert machines.most == 2


def test_the_journal_grows_with_every_part(tmp_path: Path) -> None:
    """So that a run that is killed has lost what was being measured alone."""
    seen = []

    def look(_device: Device, _task: object) -> None:
        known = read_journal(tmp_path / "replicate-1.journal")
        seen.append(len(known.ended))

    measure(Machines(look), [job(tmp_path)], devices=1)
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert 0 < seen[-1] < len(ALL)


def test_an_earlier_runs_parts_are_kept(tmp_path: Path) -> None:
    done = [planned.test for planned in TESTS if planned.case is None or planned.case.model == MODELS[0]]
    job(tmp_path).assembled.add(part(done))
    machines = Machines()
    measure(machines, [job(tmp_path)])
    assert sorted(test for *_, tests in machines.began for test in tests) == sorted(set(ALL) - set(done))
    assert read_run(tmp_path / "replicate-1.json").incomplete is None
    again = Machines()
    measure(again, [job(tmp_path)])
    assert again.began == [], "and a whole replicate isn't measured again"


def dying(model: str, devices: int) -> Callable[[Any, Any], Gone | None]:
    """So many devices die over the model."""
    dead: list[str] = []

    def answer(device: Device, task: Any) -> Gone | None:
        if task.model != model or len(dead) == devices:
            return None
        dead.append(device.name)
        return Gone("its node died")

    return answer


def test_the_work_of_a_lost_device_is_done_by_another_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    night = measure(Machines(dying(MODELS[0], 1)), [job(tmp_path)])
    run = read_run(tmp_path / "replicate-1.json")
    assert len(run.replicate.samples) == len(CASES)
    assert len(night.devices) == 1
    assert f"perfkit: replicate-1: {MODELS[0]}: device-0 is lost: its node died" in capsys.readouterr().err


def test_what_costs_three_devices_is_broken_and_says_so(tmp_path: Path) -> None:
    measure(Machines(dying(MODELS[0], 3)), [job(tmp_path)], devices=4)
    run = read_run(tmp_path / "replicate-1.json")
    broken = {outcome.case: outcome.reason for outcome in run.outcomes if outcome.status == "broken"}
    assert {case.model for case in broken} == {MODELS[0]}
    assert len(run.replicate.samples) == len(CASES) - len(broken)
    (reason,) = set(broken.values())
    assert reason.endswith("was lost: its node died, and so it was 3 times")


def test_without_a_device_the_rest_is_left_for_resume(tmp_path: Path) -> None:
    (one,) = jobs = [job(tmp_path)]
    with pytest.raises(UserError, match=r"no device is left for \d+ tests; perfkit run --resume goes on with them"):
        measure(Machines(dying(MODELS[1], 1)), jobs, devices=1)
    one.assembled.keep_incomplete()
    assert read_run(tmp_path / "replicate-1.json").incomplete is not None
    measure(Machines(), [job(tmp_path)])
    assert read_run(tmp_path / "replicate-1.json").incomplete is None


def test_a_process_that_dies_before_its_first_case_takes_its_device_out(tmp_path: Path) -> None:
    def answer(device: Device, _task: object) -> Answer | None:
        return Answer(b"", "traceback\n", "its process ended with 9") if device.name == "device-1" else None

    night = measure(Machines(answer), [job(tmp_path)])
    assert [device.name for device in night.devices] == ["device-0"]
    assert read_run(tmp_path / "replicate-1.json").incomplete is None


def test_a_refused_request_ends_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refusal = Answer(b"", "ERROR: no such option\n", "pytest ended with 4, see above", is_refused=True)
    with pytest.raises(UserError, match="device-0: pytest ended with 4, see above"):
        measure(Machines(lambda *_: refusal), [job(tmp_path)])
    assert "ERROR: no such option" in capsys.readouterr().err


def test_what_a_device_printed_is_shown_where_a_case_broke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def answer(_device: Device, task: Any) -> Answer:
        broken = tuple(task.expected.tests[:1]) if task.model == MODELS[0] else ()
        return Answer(part(task.expected.tests, broken=broken), f"traceback of {task.model}\n")

    measure(Machines(answer), [job(tmp_path)])
    err = capsys.readouterr().err
    assert f"traceback of {MODELS[0]}" in err
    assert f"traceback of {MODELS[1]}" not in err
    assert ", 1 cases BROKEN" in err


def test_dropped_cases_are_not_measured_and_say_why(tmp_path: Path) -> None:
    gone = CASES[:2]
    machines = Machines()
    measure(machines, [job(tmp_path, expected=Expected(dropped=gone, why_dropped="too dear"))])
    run = read_run(tmp_path / "replicate-1.json")
    assert {outcome.case: outcome.reason for outcome in run.outcomes if outcome.status == "not_run"} == dict.fromkeys(
        gone, "too dear"
    )
    assert run.incomplete is None


def test_what_there_is_no_time_for_is_dropped_from_further_replicates_alone(tmp_path: Path) -> None:
    night = measure(
        Machines(), [job(tmp_path), job(tmp_path, "replicate-2")], left_s=lambda: 0.0, why_dropped="no time"
    )
    assert len(read_run(tmp_path / "replicate-1.json").replicate.samples) == len(CASES)
    assert {case for _, case in night.dropped} == set(CASES)
    assert not list(tmp_path.glob("replicate-2.*")), "nothing of it was measured"


def test_pieces_of_a_unit_have_all_tests_between_them(tmp_path: Path) -> None:
    one = job(tmp_path)
    (unit, *_) = one.units(Durations(10.0))
    assert unit.variants == 3
    pieces = [[each.test for each in one.tests_of(piece)] for piece in unit.split(2)]
    assert sorted(chain(*pieces)) == sorted(each.test for each in one.tests_of(unit))
    assert all(len(piece) > 0 for piece in pieces)
    assert PLAIN not in chain(*pieces)


def test_processes_are_counted_through_all_parts(tmp_path: Path) -> None:
    """A device that needed two, for one died, counts as two."""

    def answer(_device: Device, task: Any) -> Answer:
        return Answer(part(task.expected.tests, sessions=2), "")

    measure(Machines(answer), [job(tmp_path)], devices=1)
    data = json.loads((tmp_path / "replicate-1.json").read_text())
    assert data["perfkit"]["processes"] == 2 * (len(MODELS) + 1)
    assert sorted({entry["extra_info"]["perfkit"]["process"] for entry in data["benchmarks"]}) in (
        [2, 4],
        [2, 6],
        [4, 6],
    )
    assert data["perfkit"]["spent_s"] == {}, "those that died can't tell"
