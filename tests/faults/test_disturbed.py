"""A process that is stopped, a machine that sleeps or runs out of memory: noticed, marked, and left out."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.judge.verdict import Verdict
from tests.disk import pages_from_disk
from tests.faults.disturbing import VARIANTS
from tests.faults.runs import command, ended, instant_project, outcomes, replicate, start, wait_for_ended
from tests.projects import SMALL, register, run_pytest, saved_files, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.alone

ROUNDS = 6
REASONS = {
    "stopped": "the process was stopped",
    "reads-from-disk": "memory was read back from a disk",
    "short-of-memory": "the machine was short of memory",
    "clock-set": "the system's clock was set",
    "suspended": "the machine was suspended",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run in which each of them happens to one case."""
    folder = write_project(tmp_path_factory.mktemp("disturbed"), suite(list(VARIANTS), shapes=[SMALL], rounds=ROUNDS))
    register(folder, VARIANTS, name="disturbing")
    ended = run_pytest(folder, "--benchmark-autosave", "--perfkit-baseline=none")
    assert ended.code == 0, ended.out
    return saved_files(folder)[0]


@pytest.fixture(scope="module")
def judged(path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each variant's row against a run in which nothing happened."""
    data = json.loads(path.read_text("utf-8"))
    for benchmark in data["benchmarks"]:
        benchmark["extra_info"]["perfkit"]["conditions"] = None
    before = tmp_path_factory.mktemp("before") / "0001.json"
    before.write_text(json.dumps(data | {"datetime": "2026-01-01T00:00:00+00:00"}), "utf-8")
    report = before.with_name("report.json")
    arguments = ["report", str(path), f"--baseline={before}", "--format=json", f"--output={report}"]
    assert main(arguments) == ExitCode.PASS
    return {row["variant"]: row for row in json.loads(report.read_text("utf-8"))["rows"]}


def record(path: Path, variant: str) -> dict[str, Any]:
    benchmarks = json.loads(path.read_text("utf-8"))["benchmarks"]
    (found,) = [one["extra_info"]["perfkit"] for one in benchmarks if one["extra_info"]["variant"] == variant]
    return dict(found)


@pytest.mark.parametrize("variant", REASONS)
def test_the_round_is_left_out_and_the_reason_recorded_and_told(
    variant: str, path: Path, judged: dict[str, Any]
) -> None:
    if variant == "reads-from-disk" and not pages_from_disk(path.with_name("pages")):
        pytest.skip("this system counts no pages that are read from a disk")
    conditions = record(path, variant)["conditions"]
    assert conditions["disturbed"] == {REASONS[variant]: 1}
    assert len(conditions["disturbed_rounds"]) == 1
    assert conditions["rounds"] == ROUNDS
    assert conditions["spoiled"] is False
    assert len(record(path, variant)["rounds"]["variant_wall_s"]) == ROUNDS - 1
    told = f"1 of {ROUNDS} rounds were disturbed and left out ({REASONS[variant]}: 1)"
    assert told in judged[variant]["notes"]


def test_the_reference_was_not_disturbed_by_what_came_later(path: Path) -> None:
    assert record(path, "eager-fp32")["conditions"]["disturbed"] == {}


def test_a_case_that_was_stopped_again_and_again_proves_nothing(path: Path, judged: dict[str, Any]) -> None:
    conditions = record(path, "always-stopped")["conditions"]
    assert conditions["disturbed"] == {"the process was stopped": ROUNDS}
    assert conditions["spoiled"] is True
    row = judged["always-stopped"]
    assert row["verdict"] == Verdict.INCONCLUSIVE
    assert row["reason"] == f"most rounds were disturbed: the process was stopped ({ROUNDS} of {ROUNDS})"


def test_a_run_that_was_stopped_as_a_whole_isnt_taken_for_one_that_hangs(tmp_path: Path) -> None:
    """For longer than a case may take."""
    folder = instant_project(tmp_path, ["variant-1"], models=["one"], more="[process]\ntime_limit_s = 9\n")
    process = start(folder, command(), INSTANT_CASE_S="4")
    wait_for_ended(folder, 1)
    time.sleep(2.5)  # by now the supervisor has seen that the next case began
    (child,) = children(process.pid)
    for pid in (process.pid, child):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(11)
    os.kill(process.pid, signal.SIGCONT)
    time.sleep(2.2)  # whichever the system wakes first; long enough for the supervisor to look more than once
    os.kill(child, signal.SIGCONT)
    after = ended(process)
    assert after.code == ExitCode.NOT_JUDGED, after.err
    assert {status for status, _ in outcomes(replicate(folder)).values()} == {"measured"}


def children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]
