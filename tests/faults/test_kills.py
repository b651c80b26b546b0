"""kill -9 of the run and of the processes that measure, at random moments: what ended is never lost, nothing twice.

``PERFKIT_TEST_KILLS`` says how many kills, ``PERFKIT_TEST_SEED`` which moments.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.journal import read_journal
from perfkit.record.journal_file import read_journal_lines
from tests.faults.runs import (
    command,
    ended,
    instant_project,
    processes_below,
    replicate,
    resuming,
    run,
    run_folder,
    start,
)

if TYPE_CHECKING:
    from pathlib import Path

USUAL_KILLS = 200
KILLS = int(os.environ.get("PERFKIT_TEST_KILLS", USUAL_KILLS))
SEED = int(os.environ.get("PERFKIT_TEST_SEED", "20261126"))
AT_ONCE = 2
NAMES = ["replicate-1.json", "replicate-2.json"]
SLOW = {"INSTANT_CASE_S": "0.04", "COVERAGE_PROCESS_CONFIG": ""}
"""Coverage is no business of processes that are killed: it would slow each one down and leave half-written files."""


def project(folder: Path) -> Path:
    # Of one name everywhere: pytest-benchmark's commit_info has it.
    return instant_project(folder / "project", models=["one", "two", "three"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What an uninterrupted run records of each test."""
    folder = project(tmp_path_factory.mktemp("whole"))
    assert run(folder, command(replicates=2)).code == ExitCode.NOT_JUDGED
    first, second = (comparable(replicate(run_folder(folder), name)) for name in NAMES)
    assert first == second
    assert len(first) == 9
    return first


def comparable(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every entry by its test, without the number of the process that measured it."""
    assert len({entry["fullname"] for entry in data["benchmarks"]}) == len(data["benchmarks"])
    for entry in data["benchmarks"]:
        entry["extra_info"]["perfkit"].pop("process")
    return {entry["fullname"]: entry for entry in data["benchmarks"]}


def kill(process: subprocess.Popen[str], victims: str) -> bool:
    """Whether there was anything to kill."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        # It also asks git of the code's state, which is no process that measures.
        children = [child for child in parent.children() if "pytest" in child.cmdline()]
        doomed = [*(children if victims != "parent" else []), *([parent] if victims != "child" else [])]
        for each in doomed:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
        return bool(doomed)
    return False


def wait_for_a_moment(rng: random.Random, process: subprocess.Popen[str], folder: Path) -> None:
    """Any moment, or one at which something has just been written."""
    if rng.random() < 0.5:
        with suppress(subprocess.TimeoutExpired):  # not psutil's wait, which would take the exit code away
            process.wait(rng.uniform(0, 1.2))
        return
    before, more = journaled(folder), rng.randint(1, 12)
    while process.poll() is None and journaled(folder) < before + more:
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.03))


def journaled(folder: Path) -> int:
    """How many records there are, in files that go and come."""
    count = 0
    for path in folder.glob("results/runs/*/replicate-*"):
        with suppress(FileNotFoundError):
            count += 1000 if path.suffix == ".json" else path.read_bytes().count(b"\n")
    return count


def progress(folder: Path) -> int:
    """Changes as soon as a process has begun or ended anything; that it has started is none."""
    count = 0
    for path in folder.glob("results/runs/*/replicate-*"):
        with suppress(UserError):
            if path.suffix == ".json":
                count += 1000
            else:
                count += sum(line is not None and line["kind"] != "session" for line in read_journal_lines(path))
    return count


def begun(folder: Path) -> Path | None:
    """The run's folder, where what was asked for is written down; one that was killed before has lost nothing."""
    for path in folder.glob("results/runs/*/run.journal"):
        if any(read_journal_lines(path)):
            return path.parent
    return None


def campaign(rng: random.Random, folder: Path, whole: dict[str, dict[str, Any]]) -> int:
    """A run that is killed and resumed until it comes to its end; how often it was killed."""
    folder.mkdir()
    folder = project(folder)
    process = start(folder, command(replicates=2), **SLOW)
    kills, of_children, at_last_child = 0, 0, -1
    for _ in range(rng.randint(6, 14)):
        wait_for_a_moment(rng, process, folder)
        victims = rng.choice(["parent", "child", "both"])
        # Two processes in a row that are killed before their first case lose the replicate, and the run says so.
        if victims == "child" and progress(folder) == at_last_child:
            victims = "parent"
        if process.poll() is not None or not kill(process, victims):
            break
        kills += 1
        # With both, the child dies first, and its parent may have time to write that down.
        of_children += victims != "parent"
        if victims == "child":
            at_last_child = progress(folder)
            continue
        ended(process)
        nothing_is_left_of(folder)
        journals_are_sound(folder)
        if finished(folder):  # killed after its last record: nothing is left to go on with
            break
        process = start(folder, command(replicates=2) if begun(folder) is None else resuming(), **SLOW)
    after = ended(process)
    killed_at_its_end = after.code == -signal.SIGKILL and finished(folder)
    assert killed_at_its_end or after.code in (ExitCode.FAIL, ExitCode.NOT_JUDGED), after.err
    nothing_is_left_of(folder)
    is_whole(folder, whole, of_children)
    return kills


def finished(folder: Path) -> bool:
    """Whether the verdicts are written down."""
    where = begun(folder)
    return where is not None and any(
        line is not None and line["kind"] == "verdicts" for line in read_journal_lines(where / "run.journal")
    )


def is_whole(folder: Path, whole: dict[str, dict[str, Any]], of_children: int) -> None:
    """Every case is there once; none is lost but by the kill of a process that measured."""
    where = begun(folder)
    assert where is not None
    assert sorted(path.name for path in where.iterdir()) == [*NAMES, "run.journal"]
    assert [line["kind"] for line in read_journal_lines(where / "run.journal") if line] == ["run", "verdicts"]
    lost = 0
    for name in NAMES:
        data = replicate(where, name)
        assert data["perfkit"]["incomplete"] is None
        found = comparable(data)
        assert {test: whole[test] for test in found} == found
        broken = [outcome for outcome in data["perfkit"]["outcomes"] if outcome["status"] != "measured"]
        assert len(found) + len(broken) == len(whole)
        assert all("its process was killed by SIGKILL" in outcome["reason"] for outcome in broken)
        lost += len(broken)
    # A process that is killed while it loads a model breaks the three cases of it.
    assert lost <= 3 * of_children


def nothing_is_left_of(folder: Path) -> None:
    until_s = time.monotonic() + 30
    while processes_below(folder):
        assert time.monotonic() < until_s
        time.sleep(0.01)


def journals_are_sound(folder: Path) -> None:
    """Cut off in its last record at most, since the last process wrote."""
    for path in folder.glob("results/runs/*/replicate-*.journal"):
        lines = list(read_journal_lines(path))
        sessions = len(read_journal(path).sessions)
        assert sum(line is None for line in lines) <= max(1, sessions)


def test_killed_at_random_moments(tmp_path: Path, whole: dict[str, dict[str, Any]]) -> None:
    """Of each run every case is there once: as in the uninterrupted run, or BROKEN for its process was killed."""
    kills = [0] * AT_ONCE

    def campaigns(worker: int) -> None:
        rng = random.Random(SEED + worker)  # noqa: S311 - moments, no secrets
        number = 0
        while sum(kills) < KILLS:
            kills[worker] += campaign(rng, tmp_path / f"{worker}-{number}", whole)
            number += 1

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(campaigns, worker) for worker in range(AT_ONCE)]:
            done.result()
    assert sum(kills) >= KILLS
