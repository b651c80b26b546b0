"""``perfkit run --on`` from request to exit code; devices are made up, `tests/fleet/test_on_ray.py` has real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.fleet import run_on
from perfkit.fleet.worker import About, Answer
from perfkit.record.code import code_in
from perfkit.record.journal_file import line_of, read_journal_lines
from perfkit.record.read import read_run
from tests.fleet.made_up import CASES, Machines, part, session
from tests.support import CPU, GPU, run_data, slowed, usual_times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfkit.fleet.night import Task
    from perfkit.fleet.schedule import Device
    from tests.support import Times

MADE_UP = "made-up-gpu-x1-80gib"


class Fleet(Machines):
    """Two GPUs and a CPU, by their names."""

    hardware: ClassVar = {"gpu-1": GPU, "gpu-2": GPU, "host": CPU}
    code: ClassVar[Mapping[str, str] | None] = None
    interrupted_at: ClassVar = 10**6
    times: ClassVar[Times | None] = None
    fleets: ClassVar[list[Fleet]] = []

    def __init__(self, place: str, *, on_cpu: bool) -> None:
        super().__init__(self.measured)
        self.place, self.on_cpu, self.closed = place, on_cpu, False
        self.kept: list[str] = []
        self.fleets.append(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def ask(self, method: str, *_: object) -> dict[str, Any]:
        if method == "about":
            codes = {name: code_in(Path()) for name in self.hardware}
            if self.code is not None:
                codes["gpu-2"] = dict(self.code)
            return {name: About(name, "store", code) for name, code in codes.items()}
        return {name: Answer(line_of(session(self.hardware[name]).model_dump(mode="json")), "") for name in self.kept}

    def keep(self, abouts: Mapping[str, About]) -> None:
        self.kept = list(abouts)

    def measured(self, device: Device, task: Task) -> Answer:
        if len(self.began) > self.interrupted_at:
            raise KeyboardInterrupt
        day = 1 + len(self.began)  # no two replicates are alike
        hardware, tests = self.hardware[device.name], task.expected.tests or []
        return Answer(part(tests, hardware=hardware, day=day, times=self.times), "")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Fleet]:
    class Own(Fleet):
        fleets: ClassVar[list[Fleet]] = []

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFKIT_HISTORY", "none")
    monkeypatch.setattr(run_on, "RayMachines", Own)
    monkeypatch.setattr(run_on, "check_place", lambda _: None)
    return Own


def folders(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "results" / "runs").iterdir())


def only_gpus(fleet: type[Fleet]) -> None:
    fleet.hardware = {"gpu-1": GPU, "gpu-2": GPU}


def test_each_hardware_is_a_run_of_its_own(
    fleet: type[Fleet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--on=ray", "--replicates=2"]) == ExitCode.NOT_JUDGED
    one, two = folders(tmp_path)
    hardware = {}
    for folder in (one, two):
        runs = [read_run(folder / f"replicate-{number}.json") for number in (1, 2)]
        assert [len(run.replicate.samples) for run in runs] == [len(CASES)] * 2
        (hardware[folder.name],) = {run.hardware.name for run in runs}
        request = next(iter(read_journal_lines(folder / "run.journal")))
        assert request is not None
        assert request["on"] == "ray"
        assert folder.name.endswith(request["hardware"])
    assert set(hardware.values()) == {GPU.name, CPU.name}
    assert capsys.readouterr().out.count(f"{len(CASES)} NEW") >= 2
    assert all(each.closed for each in fleet.fleets)


def test_one_hardware_has_the_usual_folder_and_both_devices_measure(fleet: type[Fleet], tmp_path: Path) -> None:
    only_gpus(fleet)
    assert main(["run", "--on=ray", "--", ".", "--perfkit-platform=cpu"]) == ExitCode.NOT_JUDGED
    (folder,) = folders(tmp_path)
    assert "-" not in folder.name
    (one,) = fleet.fleets
    assert {device for device, *_ in one.began} == {"gpu-1", "gpu-2"}
    assert one.on_cpu


def test_a_node_of_other_code_is_told_and_not_measured_on(
    fleet: type[Fleet], capsys: pytest.CaptureFixture[str]
) -> None:
    only_gpus(fleet)
    fleet.code = {**code_in(Path()), "commit": "0123456789ab"}
    main(["run", "--on=ray", "--replicates=1"])
    err = capsys.readouterr().err
    assert "perfkit: gpu-2 isn't measured on: commit ( -> 0123456789ab)" in err
    assert {device for device, *_ in fleet.fleets[0].began} == {"gpu-1"}


def test_an_interrupted_run_is_gone_on_with_on_its_own_hardware(
    fleet: type[Fleet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.interrupted_at = 4
    assert main(["run", "--on=ray", "--replicates=1"]) == 130
    assert fleet.fleets[0].closed
    told = [line for line in capsys.readouterr().err.splitlines() if "interrupted" in line]
    assert len(told) == 2
    assert all((folder / "run.journal").exists() for folder in folders(tmp_path))
    fleet.interrupted_at = 10**6
    for folder in folders(tmp_path):
        assert main(["run", "--resume", str(folder)]) == ExitCode.NOT_JUDGED
        assert read_run(folder / "replicate-1.json").incomplete is None
        asked = {device for device, *_ in fleet.fleets[-1].began}
        of_gpus = read_run(folder / "replicate-1.json").hardware == GPU
        assert asked <= ({"gpu-1", "gpu-2"} if of_gpus else {"host"})
    tests = [test for each in fleet.fleets for *_, tests in each.began for test in tests]
    assert len(set(tests)) == len(CASES) + 1


def test_a_resumed_run_needs_a_device_of_its_hardware(fleet: type[Fleet], capsys: pytest.CaptureFixture[str]) -> None:
    only_gpus(fleet)
    fleet.interrupted_at = 2
    main(["run", "--on=ray", "--replicates=1"])
    fleet.hardware = {"gpu-2": CPU}
    capsys.readouterr()
    assert main(["run", "--resume"]) == ExitCode.USAGE
    assert "of which there is no device" in capsys.readouterr().err.splitlines()[-1]


def test_cases_in_doubt_are_measured_again_and_the_worst_code_counts(
    fleet: type[Fleet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only_gpus(fleet)
    assert main(["run", "--on=ray", "--replicates=5"]) == ExitCode.NOT_JUDGED
    assert main(["promote", str(folders(tmp_path)[0])]) == ExitCode.PASS
    fleet.hardware = {"gpu-1": GPU, "host": CPU}
    fleet.times = slowed(usual_times(), CASES[1], 1.3)
    capsys.readouterr()
    assert main(["run", "--on=ray", "--replicates=3", "--repeats=1"]) == ExitCode.FAIL, "not the CPU's 10"
    assert f"perfkit: repeat-1: 1 of {len(CASES)} cases are in doubt" in capsys.readouterr().err
    (repeat,) = (tmp_path / "results" / "runs").glob("*/repeat-1.json")
    assert [sample.case for sample in read_run(repeat).replicate.samples] == [CASES[1]]


SLOW_BY_CONFIGURATION = "[measure]\nmin_rounds = 5\nmax_rounds = 5\ntime_budget_s = 400.0\nwarmup_max_s = 1.0\n"


def test_without_a_last_night_a_budget_counts_what_the_baseline_says_of_rounds(
    fleet: type[Fleet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only_gpus(fleet)
    (tmp_path / "perfkit.toml").write_text(SLOW_BY_CONFIGURATION)
    data = run_data(hardware=GPU)
    for benchmark in data["benchmarks"]:
        benchmark["extra_info"]["perfkit"]["rounds_s"] = 1.0
    (tmp_path / "reviewed.json").write_text(json.dumps(data))
    assert main(["promote", "reviewed.json"]) == ExitCode.PASS
    capsys.readouterr()
    main(["run", "--on=ray", "--replicates=3", "--repeats=0", "--budget=2h"])
    assert "--budget 2h: replicate" not in capsys.readouterr().err
    (folder,) = folders(tmp_path)
    assert len(list(folder.glob("replicate-*.json"))) == 3


def test_a_budget_drops_by_the_last_night(
    fleet: type[Fleet], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only_gpus(fleet)
    (tmp_path / "perfkit.toml").write_text(SLOW_BY_CONFIGURATION)
    assert main(["run", "--on=ray", "--replicates=3", "--budget=2h"]) == ExitCode.NOT_JUDGED
    (folder,) = folders(tmp_path)
    told = [line for line in capsys.readouterr().err.splitlines() if "--budget 2h: replicate" in line]
    assert told
    counts = [len(json.loads(path.read_text())["benchmarks"]) for path in sorted(folder.glob("replicate-*.json"))]
    assert counts[0] == len(CASES), "the first replicate is whole"
    assert sum(counts) < 3 * len(CASES)
    *_, verdicts = (line for line in read_journal_lines(folder / "run.journal") if line is not None)
    assert sum(map(len, verdicts["dropped"].values())) == 3 * len(CASES) - sum(counts)
