"""A full or read-only disk: one line says so, what was measured before is kept, and no old file is damaged."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.record.journal import read_journal
from tests.faults.runs import command, instant_project, outcomes, replicate, resuming, run, run_folder
from tests.projects import saved_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL, READ_ONLY = os.strerror(28), os.strerror(30)


def mount(folder: Path, options: str) -> None:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no file system of its own can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project whose results are on a small file system of their own. The history's file is elsewhere."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    folder = instant_project(tmp_path, models=["one", "two", "three"])
    results = folder / "results"
    results.mkdir()
    mount(results, "size=512k")
    yield folder
    subprocess.run(["umount", str(results)], check=True)


def fill(folder: Path, leave_bytes: int) -> Path:
    """Fills the file system but for so many bytes."""
    path = folder / "results" / "filler"
    free = os.statvfs(folder / "results")
    path.write_bytes(b"x" * (free.f_bavail * free.f_frsize - leave_bytes))
    return path


@pytest.mark.parametrize("leave_bytes", [0, 4096, 20_480, 36_864])
def test_a_disk_that_fills_up_is_told_in_a_line_and_the_run_gone_on_with(project: Path, leave_bytes: int) -> None:
    """Wherever it happens: when the run is begun, in the journal, or when the replicate is written."""
    filler = fill(project, leave_bytes)
    after = run(project, command())
    assert after.code == ExitCode.USAGE, after.err
    assert "Traceback" not in after.err
    assert FULL in after.err
    filler.unlink()
    begun = [path.parent for path in project.glob("results/runs/*/run.journal") if path.stat().st_size]
    journals = [path for where in begun for path in where.glob("replicate-1.journal")]
    kept = [test for journal in journals for test in read_journal(journal).ended]
    again = run(project, resuming() if begun else command())
    assert again.code == ExitCode.NOT_JUDGED, again.err
    data = replicate(max((project / "results" / "runs").iterdir()))
    assert {status for status, _ in outcomes(data).values()} == {"measured"}
    entries = [entry["fullname"] for entry in data["benchmarks"]]
    assert len(entries) == 9
    assert entries[: len(kept)] == kept


def test_an_old_file_stays_whole(project: Path) -> None:
    """pytest's own autosave, which replaces nothing, and a promotion, which replaces the baseline."""
    for _ in range(2):
        assert run(project, command()).code == ExitCode.NOT_JUDGED
    runs = sorted((project / "results" / "runs").iterdir())
    assert run(project, program("promote", runs[0])).code == ExitCode.PASS
    (baseline,) = (project / "results" / "baselines").glob("*.json")
    before = baseline.read_bytes()
    filler = fill(project, 0)
    after = run(project, program("promote", runs[1], "--reason", "more"))
    assert after.code == ExitCode.USAGE
    (line,) = after.err.splitlines()
    assert line == f"perfkit: {baseline.relative_to(project)}: cannot be written: {FULL}"
    assert baseline.read_bytes() == before
    assert [path.name for path in baseline.parent.iterdir()] == [baseline.name]
    autosave = [*command()[:2], "pytest", ".", "--perfkit-suite=tiny", "--benchmark-autosave"]
    saving = run(project, [*autosave, "--benchmark-storage=file://./results", "--perfkit-baseline=none"])
    assert saving.code == ExitCode.USAGE
    assert FULL in saving.err
    assert saved_files(project) == []
    filler.unlink()


def test_a_read_only_disk_is_told_before_anything_is_measured(project: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(project / "results")], check=True)
    after = run(project, command())
    assert after.code == ExitCode.USAGE
    (line,) = after.err.splitlines()
    assert line.startswith("perfkit: results/runs/")
    assert line.endswith(f"cannot be made: {READ_ONLY}")
    assert not (project / "log.txt").exists()


def program(*arguments: object) -> list[str]:
    return [*command()[:3], *map(str, arguments)]


def test_results_that_are_no_folder_are_told_as_well(tmp_path: Path) -> None:
    folder = instant_project(tmp_path)
    (folder / "results").touch()
    after = run(folder, command())
    assert after.code == ExitCode.USAGE
    (line,) = after.err.splitlines()
    assert line.startswith("perfkit: results/runs/")
    assert line.endswith(f"cannot be made: {os.strerror(20)}")
    assert not (folder / "log.txt").exists()


def test_a_journal_on_a_full_device_ends_the_run_with_a_line(tmp_path: Path) -> None:
    """Without root: /dev/full takes no byte."""
    folder = instant_project(tmp_path)
    (folder / "conftest.py").write_text(
        (folder / "conftest.py").read_text()
        + "import os, pytest\nfrom perfkit.plugin import keys\n"
        + "@pytest.hookimpl(tryfirst=True)\n"
        + "def pytest_runtest_teardown(item):\n"
        + "    if 'variant-1' in item.nodeid:\n"
        + "        full = os.open('/dev/full', os.O_RDWR)\n"
        + "        keeper = item.config.stash[keys.STATE].keeper\n"
        + "        os.dup2(full, keeper._file._descriptor)\n"
    )
    after = run(folder, command())
    assert after.code == ExitCode.USAGE
    journal = run_folder(folder) / "replicate-1.journal"
    line = f"perfkit: {journal.relative_to(folder)}: cannot be written: {FULL}"
    assert sum(line in each for each in after.err.splitlines()) == 1
    assert "Traceback" not in after.err
    last = f"perfkit: pytest ended with 4, see above; what was measured is in {journal.relative_to(folder)}"
    assert after.err.splitlines()[-1] == last
    assert len(read_journal(journal).ended) == 2
    assert replicate(folder)["perfkit"]["incomplete"] == "4 of 6 tests are left"
