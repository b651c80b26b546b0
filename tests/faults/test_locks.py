"""Two runs at once: on one device one waits for the other; a lock dies with its process."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from perfkit.exit_codes import ExitCode
from tests.faults.runs import command, ended, instant_project, replicate, run, start, wait_for, wait_for_ended

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

WAITS = "perfkit: another run measures on this machine's cpu: waiting for it to end ("


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Projects that share the machine's locks."""
    return instant_project(tmp_path / "first"), instant_project(tmp_path / "second")


def started(folder: Path, locks: Path, case_s: float) -> subprocess.Popen[str]:
    return start(folder, command(), TMPDIR=str(locks), INSTANT_CASE_S=str(case_s))


def test_the_second_waits_until_the_first_has_ended(two: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = two
    earlier = started(first, tmp_path, 4)  # the second needs some seconds to come so far
    wait_for_ended(first, 1)
    later = started(second, tmp_path, 0)
    wait_for(lambda: later.poll() is not None or (second / "log.txt").exists())
    assert later.poll() is None
    assert replicate(first)["perfkit"]["incomplete"] is None, "the first is done when the second begins"
    assert ended(earlier).code == ended_well(later) == ExitCode.NOT_JUDGED


def ended_well(process: subprocess.Popen[str]) -> int:
    after = ended(process)
    assert WAITS in after.err
    return after.code


def test_a_killed_run_holds_nothing(two: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = two
    earlier = started(first, tmp_path, 60)
    wait_for((first / "log.txt").exists)
    later = started(second, tmp_path, 0)
    assert later.stderr is not None
    assert any(WAITS in line for line in later.stderr), "it ended without waiting"
    assert not (second / "log.txt").exists()
    earlier.send_signal(signal.SIGKILL)
    ended(earlier)
    assert ended(later).code == ExitCode.NOT_JUDGED


def test_a_run_that_waits_is_not_taken_for_one_that_hangs(tmp_path: Path) -> None:
    limits = "[process]\ntime_limit_s = 12\n"
    first = instant_project(tmp_path / "first", ["sleeps"], models=["one"])
    second = instant_project(tmp_path / "second", models=["one"], more=limits)
    earlier = started(first, tmp_path, 0)
    wait_for_ended(first, 1)
    later = started(second, tmp_path, 0)
    time.sleep(14)  # longer than its limit
    assert later.poll() is None
    earlier.terminate()
    ended(earlier)
    after = ended(later)
    assert after.code == ExitCode.NOT_JUDGED
    assert "was ended" not in after.err


def test_a_device_that_cant_be_locked_isnt_measured(two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "perfkit-locks").touch()
    after = run(two[0], command(), TMPDIR=str(tmp_path))
    assert after.code == ExitCode.USAGE
    told = f"perfkit: {tmp_path}/perfkit-locks/cpu.lock: cannot be locked: {os.strerror(17)}"
    assert sum(told in line for line in after.err.splitlines()) == 1
    assert not (two[0] / "log.txt").exists()
