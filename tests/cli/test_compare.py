from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from tests.support import CPU, case, program_environment, slowed, usual_times, write_run

HURT = case("trt-int8")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for day in (1, 2, 3):
        write_run(tmp_path / "base", day=day)
    return tmp_path / "base"


def test_each_outcome_has_its_code(base: Path, tmp_path: Path) -> None:
    def code(name: str, **options: object) -> int:
        run = write_run(tmp_path / name, **options)  # type: ignore[arg-type]
        return main(["compare", str(base), str(run)])

    assert code("same", day=9) == ExitCode.PASS
    assert code("slow", times=slowed(usual_times(), HURT, 1.3), day=9) == ExitCode.FAIL
    assert code("other hardware", day=9, hardware=CPU) == ExitCode.NOT_JUDGED
    everything = {c: (r * 1.3, v * 1.3) for c, (r, v) in usual_times().items()}
    assert code("driver", times=everything, day=9) == ExitCode.INCONCLUSIVE
    (tmp_path / "cut.json").write_text('{"version": ')
    assert main(["compare", str(base), str(tmp_path / "cut.json")]) == ExitCode.USAGE
    assert main(["compare", str(tmp_path / "cut.json"), str(base)]) == ExitCode.USAGE
    assert main(["compare", str(base), str(base)]) == ExitCode.NOT_JUDGED


def test_formats(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path / "run", slowed(usual_times(), HURT, 1.3), day=9)
    shown = {}
    for form in ("terminal", "markdown", "json"):
        assert main(["compare", str(base), str(run), "--format", form]) == ExitCode.FAIL
        shown[form] = capsys.readouterr().out
    assert "▼ REGRESSED" in shown["terminal"]
    assert "\x1b" not in shown["terminal"]
    assert "| ▼ REGRESSED |" in shown["markdown"]
    assert json.loads(shown["json"])["rows"][0]["verdict"] == "REGRESSED"


def test_thirty_replicates_of_one_folder_are_one_run(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day in (7, 8, 9):
        write_run(tmp_path / "run", day=day)
    assert main(["compare", str(base), str(tmp_path / "run"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["replicates"] == 3


@pytest.mark.case("C17")
def test_a_baseline_of_another_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert main(["promote", str(write_run(tmp_path / "a", day=1))]) == 0
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "baseline"], check=True)
    run = write_run(tmp_path / "b", slowed(usual_times(), HURT, 1.3), day=9)
    # The change removes the baseline; on main it still stands.
    for path in (tmp_path / "results" / "baselines").iterdir():
        path.unlink()
    assert main(["compare", "git:main", str(run)]) == ExitCode.FAIL
    assert "git:main:results/baselines/made-up-gpu-x1-80gib.json" in capsys.readouterr().out
    assert main(["compare", "auto", str(run)]) == ExitCode.NOT_JUDGED
    assert main(["compare", "git:nothing", str(run)]) == ExitCode.USAGE


def plain_file(path: Path, median_s: float, spread_s: float, day: int) -> str:
    """A pytest-benchmark file of one test that is no case: it has a time and no speedup."""
    stats = {"median": median_s, "min": median_s / 2, "max": median_s * 3, "mean": median_s, "iqr": spread_s}
    entry = {"fullname": "b.py::test", "extra_info": {}, "stats": {**stats, "rounds": 5}}
    data = {
        "version": "5.1.0",
        "machine_info": {"cpu": {"brand_raw": "x", "count": 2}},
        "commit_info": {"id": "a"},
        "datetime": f"2030-01-{day:02d}T00:00:00+00:00",
        "benchmarks": [entry],
    }
    path.write_text(json.dumps(data))
    return str(path)


def test_a_time_that_could_have_hidden_a_slowdown_is_no_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = plain_file(tmp_path / "before.json", 0.01, 0.02, 1)
    after = plain_file(tmp_path / "after.json", 0.013, 0.02, 2)
    assert main(["compare", before, after]) == ExitCode.INCONCLUSIVE
    assert "could only have seen" in capsys.readouterr().out


def test_a_spread_without_bounds_is_told_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = plain_file(tmp_path / "before.json", 0.005, 1e-4, 1)
    after = plain_file(tmp_path / "after.json", 0.005, 3.995, 2)
    assert main(["compare", before, after]) == ExitCode.INCONCLUSIVE
    assert "99999900.0%" in capsys.readouterr().out


def test_a_name_that_is_too_long_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(tmp_path), "x" * 300]) == ExitCode.USAGE
    assert capsys.readouterr().err.endswith("cannot be read: File name too long\n")


@pytest.mark.parametrize(
    "arguments", [["compare", "run.json", "run.json"], ["report", "run.json"], ["promote", "run.json"]]
)
def test_a_folder_that_may_not_be_looked_into_is_told_in_a_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root may look into every folder, so it is the system's answer that is made up."""
    stat = Path.stat

    def refused(path: Path, **options: Any) -> os.stat_result:
        if path.name == "run.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refused)
    assert main(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err == "perfkit: run.json: cannot be read: Permission denied\n"


def test_who_stops_reading_changes_no_verdict(tmp_path: Path) -> None:
    paths = [str(write_run(tmp_path, day=day)) for day in (1, 2)]
    alone = main(["compare", *paths])
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "perfkit", "compare", "--json", *paths],
            env=program_environment(),
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (alone, b"")


def test_a_full_disk_below_standard_output_is_told_in_a_line(tmp_path: Path) -> None:
    paths = [str(write_run(tmp_path, day=day)) for day in (1, 2)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "perfkit", "compare", *paths],
            env=program_environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == b"perfkit: standard output: cannot be written: No space left on device\n"
