from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from perfkit.catalog.case import Platform
from perfkit.measure.device_lock import device_name, locked_device
from tests.support import program_environment


@pytest.fixture(autouse=True)
def _own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_cpu_is_one_device() -> None:
    assert device_name(Platform.CPU) == "cpu"


def test_different_gpus_dont_meet() -> None:
    waited: list[object] = []
    with (
        locked_device("gpu-1", waited.append, lambda: waited.append("still")),
        locked_device("gpu-2", waited.append, lambda: waited.append("still")),
    ):
        pass
    assert not waited


def test_whoever_comes_second_says_so_and_waits() -> None:
    waited: list[object] = []
    holder = locked_device("gpu-1", waited.append, lambda: None)
    holder.__enter__()

    def ends() -> None:
        holder.__exit__(None, None, None)

    with locked_device("gpu-1", waited.append, ends):
        assert waited == [Path(tempfile.gettempdir()) / "perfkit-locks" / "gpu-1.lock"]


def test_a_lock_may_be_taken_by_any_user(tmp_path: Path) -> None:
    with locked_device("cpu", lambda _: None, lambda: None):
        pass
    assert (tmp_path / "perfkit-locks").stat().st_mode & 0o777 == 0o777


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become two other users")
def test_a_lock_that_another_user_made_can_be_taken(tmp_path: Path) -> None:
    """Whoever made the folder, and whoever was the first on a device."""
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode | 0o755)
    tmp_path.chmod(0o1777)
    code = (
        "import os, sys, tempfile; from perfkit.measure.device_lock import locked_device; os.setuid(int(sys.argv[1]))\n"
        "tempfile.tempdir = sys.argv[3]\n"
        "with locked_device(sys.argv[2], print, print): pass\n"
        "os._exit(0)  # what measures coverage writes at the end, where this user may not"
    )
    for user, device in (("1001", "gpu-2"), ("1002", "gpu-1"), ("1001", "gpu-1"), ("1003", "gpu-1")):
        done = subprocess.run(
            [sys.executable, "-c", code, user, device, str(tmp_path)],
            env=program_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
