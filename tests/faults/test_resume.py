"""``perfkit run --resume`` goes on where a run was killed, and nowhere else."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.record.journal_file import read_journal_lines
from tests.faults.runs import (
    command,
    ended,
    instant_project,
    outcomes,
    replicate,
    resuming,
    run,
    run_folder,
    start,
    wait_for,
    wait_for_ended,
)
from tests.projects import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SLOW = {"INSTANT_CASE_S": "0.3"}


def killed(folder: Path, *, replicates: int = 1, after_ended: int = 2) -> Path:
    """A run that was killed in its first replicate."""
    process = start(folder, command(replicates=replicates), **SLOW)
    wait_for_ended(folder, after_ended)
    process.send_signal(signal.SIGKILL)
    ended(process)
    return run_folder(folder)


def lines(folder: Path, beginning: str) -> list[str]:
    return [line for line in (folder / "log.txt").read_text().splitlines() if line.startswith(beginning)]


def comparable(data: dict[str, Any]) -> dict[str, Any]:
    """A replicate's file without what a second process has of its own: when and how often it began, and its times."""
    for entry in data["benchmarks"]:
        entry["extra_info"]["perfkit"].pop("process")
    data.pop("datetime")
    data["perfkit"].pop("processes")
    data["perfkit"].pop("spent_s")
    return data


def test_a_journal_goes_whose_replicate_is_there(tmp_path: Path) -> None:
    """As of a process that died between writing the one and removing the other, and half a file of one before it."""
    folder = instant_project(tmp_path)
    process = start(folder, command(replicates=2), **SLOW)
    wait_for(lambda: list(folder.glob("results/runs/*/replicate-2.journal")))
    process.send_signal(signal.SIGKILL)
    ended(process)
    where = run_folder(folder)
    (where / "replicate-1.journal").write_bytes(b"")
    (where / ".replicate-1.json.4711.tmp").write_bytes(b"{")
    assert run(folder, resuming()).code == ExitCode.NOT_JUDGED
    assert sorted(path.name for path in where.iterdir()) == ["replicate-1.json", "replicate-2.json", "run.journal"]


def test_what_ended_is_kept_to_the_byte_and_the_rest_measured(tmp_path: Path) -> None:
    whole, broken_off = instant_project(tmp_path / "1" / "project"), instant_project(tmp_path / "2" / "project")
    assert run(whole, command(replicates=2)).code == ExitCode.NOT_JUDGED
    where = killed(broken_off, replicates=2)
    journal = where / "replicate-1.journal"
    kept = [line["entry"] for line in read_journal_lines(journal) if line is not None and line["kind"] == "ended"]
    assert len(kept) >= 2
    after = run(broken_off, resuming())
    assert after.code == ExitCode.NOT_JUDGED, after.err
    assert sorted(path.name for path in where.iterdir()) == ["replicate-1.json", "replicate-2.json", "run.journal"]
    assert replicate(broken_off)["benchmarks"][: len(kept)] == kept
    assert replicate(broken_off)["perfkit"]["processes"] == 2
    for name in ("replicate-1.json", "replicate-2.json"):
        assert comparable(replicate(broken_off, name)) == comparable(replicate(whole, name))
    # One more than an uninterrupted run's: the case that was being measured, or none if it had just ended.
    more = len(lines(broken_off, "measured")) - len(lines(whole, "measured"))
    assert more in (0, 1)


@pytest.mark.parametrize("damaged", [b"", b'{"benchmarks": [', bytes(1000)])
def test_a_damaged_file_beside_its_journal_blocks_nothing(tmp_path: Path, damaged: bytes) -> None:
    """All of it is in the journal."""
    folder = instant_project(tmp_path)
    (killed(folder) / "replicate-1.json").write_bytes(damaged)
    after = run(folder, resuming())
    assert after.code == ExitCode.NOT_JUDGED, after.err
    assert {status for status, _ in outcomes(replicate(folder)).values()} == {"measured"}
    assert len(lines(folder, "measured one eager-fp32")) == 1


def test_a_finished_replicate_is_not_measured_again(tmp_path: Path) -> None:
    folder = instant_project(tmp_path)
    process = start(folder, command(replicates=3), **SLOW)
    wait_for_ended(folder, 1)
    while not list(folder.glob("results/runs/*/replicate-2.journal")):
        assert process.poll() is None
    process.kill()
    ended(process)
    before = (run_folder(folder) / "replicate-1.json").read_bytes()
    after = run(folder, resuming(str(run_folder(folder).relative_to(folder))))
    assert "perfkit: 3 of 3 replicates in" in after.err.splitlines()[-1]
    assert (run_folder(folder) / "replicate-1.json").read_bytes() == before
    assert len(lines(folder, "measured one eager-fp32")) in (3, 4)


def commit(folder: Path, text: str) -> None:
    (folder / "model.py").write_text(text)
    for line in (
        ["add", "model.py"],
        ["-c", "user.name=A", "-c", "user.email=a@example.invalid", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *line], cwd=folder, check=True, capture_output=True)


def other_commit(folder: Path) -> None:
    commit(folder, "two")


def uncommitted(folder: Path) -> None:
    (folder / "model.py").write_text("three")


def other_config(folder: Path) -> None:
    path = folder / "perfkit.toml"
    path.write_text(path.read_text().replace("time_budget_s = 0.01", "time_budget_s = 0.02"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (other_commit, "was of other code: commit ("),
        (uncommitted, "was of other code: uncommitted changes (none -> "),
        (other_config, "was of other code: configuration ("),
    ],
)
def test_a_run_of_other_code_isnt_gone_on_with(tmp_path: Path, change: Callable[[Path], None], told: str) -> None:
    folder = instant_project(tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    commit(folder, "one")
    where = killed(folder)
    change(folder)
    files = {path: path.read_bytes() for path in where.iterdir()}
    after = run(folder, resuming())
    assert after.code == ExitCode.USAGE
    (line,) = after.err.splitlines()
    assert line.startswith(f"perfkit: {where.relative_to(folder)}: can't be gone on with, it {told}")
    assert {path: path.read_bytes() for path in where.iterdir()} == files


@pytest.mark.parametrize("finished", [0, 1])
def test_a_run_on_another_machine_isnt_gone_on_with(tmp_path: Path, finished: int) -> None:
    """Neither the replicate that died, nor the run with another one."""
    folder = instant_project(tmp_path)
    killed(folder, replicates=2)
    if finished:
        assert run(folder, resuming()).code == ExitCode.NOT_JUDGED
        where = run_folder(folder)
        (where / "replicate-2.json").unlink()
        journal = where / "run.journal"
        journal.write_bytes(journal.read_bytes().splitlines(keepends=True)[0])  # as if it had died there
    path = folder / "conftest.py"
    path.write_text(path.read_text() + "from tests.faults import instant\ninstant.SOFTWARE['torch'] = 'newer'\n")
    after = run(folder, resuming())
    assert after.code == ExitCode.USAGE
    told = "can't be gone on with, it isn't the same run: version of torch (made up -> newer)"
    assert sum(told in line for line in after.err.splitlines()) == 1


def test_a_journal_that_cant_be_read_is_kept_and_its_replicate_measured_anew(tmp_path: Path) -> None:
    """Of another version of perfkit, or damaged in the one line that all others need."""
    folder = instant_project(tmp_path)
    where = killed(folder)
    path = where / "replicate-1.journal"
    raw = path.read_bytes().replace(b'"kind":"session"', b'"kind":"sessions"')
    path.write_bytes(raw)
    after = run(folder, resuming())
    assert after.code == ExitCode.NOT_JUDGED, after.err
    assert (where / "replicate-1.unreadable").read_bytes() == raw
    assert len(replicate(folder)["benchmarks"]) == 6
    assert replicate(folder)["perfkit"]["processes"] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--resume"], "results/runs: holds no unfinished run"),
        (["--resume", "nowhere"], "nowhere/run.journal: cannot be read: No such file or directory"),
        (["--resume", "--replicates=3"], "--replicates: a resumed run keeps its own; leave it out"),
        (["--resume", "--baseline=none"], "--baseline: a resumed run keeps its own; leave it out"),
        (["--resume", "a", "--", "-k", "x"], "--resume takes one RUN, and no arguments for pytest"),
    ],
)
def test_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    from perfkit.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["run", *arguments]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"perfkit: {told}")


def test_a_finished_run_is_told_apart(tmp_path: Path) -> None:
    folder = instant_project(tmp_path)
    assert run(folder, command()).code == ExitCode.NOT_JUDGED
    where = run_folder(folder).relative_to(folder)
    after = run(folder, resuming(str(where)))
    assert after.code == ExitCode.USAGE
    assert after.err == f"perfkit: {where}: is finished; perfkit compare {where} judges it again\n"
    assert run(folder, resuming()).err == "perfkit: results/runs: holds no unfinished run\n"


def test_a_run_that_is_being_measured_is_left_alone(tmp_path: Path) -> None:
    folder = instant_project(tmp_path, ["sleeps"], models=["one"])
    process = start(folder, command())
    wait_for_ended(folder, 1)
    after = run(folder, resuming())
    assert after.code == ExitCode.USAGE
    told = f"perfkit: {run_folder(folder).relative_to(folder)}: another process is measuring it"
    assert after.err.splitlines() == [told]
    process.terminate()
    assert ended(process).code == 130


def test_the_verdicts_are_in_the_runs_own_journal(tmp_path: Path) -> None:
    folder = instant_project(tmp_path, ["segfaults"], models=["one"])
    assert run(folder, command()).code == ExitCode.FAIL
    asked, told = (line for line in read_journal_lines(run_folder(folder) / "run.journal") if line is not None)
    assert asked["arguments"][0] == "."
    assert asked["replicates"] == 1
    assert told["exit_code"] == ExitCode.FAIL
    assert told["verdicts"] == {"one/eager-fp32/1x3x64x64": "NEW", "one/segfaults/1x3x64x64": "BROKEN"}


def test_plain_tests_beside_the_cases_are_kept_as_well(tmp_path: Path) -> None:
    """With what isn't JSON in their params, and times that are no times."""
    folder = instant_project(tmp_path, ["segfaults"], models=["one"])
    (folder / "test_plain.py").write_text(
        "import os, pytest\n"
        "class Thing:\n"
        "    def __repr__(self):\n"
        "        return 'a thing'\n"
        "@pytest.mark.parametrize('thing', [Thing(), {1: 2}])\n"
        "def test_plain(benchmark, thing):\n"
        "    benchmark.extra_info['odd'] = float('nan')\n"
        "    benchmark(lambda: None)\n"
        "def test_dies():\n"
        "    os.abort()\n"
    )
    after = run(folder, command(), **environment(folder))
    assert after.code == ExitCode.FAIL
    data = replicate(folder)
    plain = [entry for entry in data["benchmarks"] if "test_plain" in entry["fullname"]]
    assert [entry["params"]["thing"] for entry in plain] == ["a thing", {"1": 2}]
    assert plain[0]["extra_info"]["odd"] == "NaN"
    assert json.dumps(data, allow_nan=False)
    assert outcomes(data)["one/eager-fp32"][0] == "measured"
    assert any("killed by SIGABRT while test_plain.py::test_dies ran" in line for line in after.err.splitlines())
