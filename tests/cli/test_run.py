from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.history.database import open_existing_history
from perfkit.history.series import runs_since
from perfkit.record.read import read_run
from tests.projects import MODEL, SMALL, environment, suite, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator

CRASHES_TWICE = """
import os, pathlib
def pytest_sessionstart():
    for name in ("crashed", "crashed-again"):
        try:
            pathlib.Path(name).touch(exist_ok=False)
        except FileExistsError:
            continue
        os._exit(9)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_project(tmp_path, suite(["twin"], shapes=[SMALL]))
    monkeypatch.chdir(folder)
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture(autouse=True)
def _no_file_is_left_half_written(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.glob("results/runs/*/.*"))


def measure(*options: str, replicates: int = 1) -> int:
    return main(["run", f"--replicates={replicates}", *options, "--", ".", "--perfkit-suite=tiny"])


def written() -> list[Path]:
    return sorted(Path("results/runs").glob("*/*.json"))


@pytest.mark.alone
def test_replicates_are_processes_of_their_own_judged_together(
    project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And kept in the history together."""
    monkeypatch.delenv("PERFKIT_HISTORY")
    assert measure(replicates=2) == ExitCode.NOT_JUDGED
    out, err = capfd.readouterr()
    assert "2 NEW" in out
    assert [line for line in err.splitlines() if line.startswith("perfkit: replicate")] == [
        "perfkit: replicate 1 of 2",
        "perfkit: replicate 2 of 2",
    ]
    first, second = written()
    folder = str(first.parent)
    with open_existing_history(Path("results")) as history, history.reading() as connection:
        kept = {run.digest for run in runs_since(connection, None).values()}
    assert kept == {read_run(path).replicate.run_id for path in (first, second)}
    assert err.splitlines()[-1].startswith(f"perfkit: 2 of 2 replicates in {folder};")
    assert read_run(first).replicate.run_id != read_run(second).replicate.run_id
    assert (project / "log.txt").read_text().count("build twin") == 2

    assert main(["promote", folder]) == ExitCode.PASS
    capfd.readouterr()
    slowed = ["--format=json", "--", ".", "--perfkit-suite=tiny", f"--perfkit-fault={MODEL}/twin/{SMALL}=slow:400%"]
    assert main(["run", "--replicates=1", "--repeats=0", *slowed]) == ExitCode.FAIL
    rows = json.loads(capfd.readouterr().out)["rows"]
    assert "twin" in [row["variant"] for row in rows if row["verdict"] == "REGRESSED"]


SLOWED_ONCE = f"""
import pathlib
def pytest_configure(config):
    busy = pathlib.Path("busy")
    if busy.exists():
        busy.unlink()
        config.option.perfkit_fault = ["{MODEL}/twin/{SMALL}=slow:400%"]
"""


REFUSES_REPEATS = """
import pytest
def pytest_configure(config):
    if config.option.perfkit_case:
        raise pytest.UsageError("not again")
"""
CRASHES_IN_REPEATS = """
import os
def pytest_runtest_setup(item):
    if item.config.option.perfkit_case:
        os._exit(9)
"""


@pytest.mark.alone
@pytest.mark.case("C05")
def test_a_doubtful_case_is_measured_again_alone(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What one bad moment did to one process weighs less, and only that case costs more time."""
    assert measure("--baseline=none", replicates=2) == ExitCode.NOT_JUDGED
    assert main(["promote", str(written()[0].parent)]) == ExitCode.PASS
    (project / "conftest.py").write_text(SLOWED_ONCE)
    (project / "busy").touch()
    capfd.readouterr()
    measure("--format=json", "--repeats=2")
    out, err = capfd.readouterr()
    (twin,) = [row for row in json.loads(out)["rows"] if row["variant"] == "twin"]
    assert twin["verdict"] != "REGRESSED"
    assert twin["metrics"][0]["current_replicates"] == 3
    repeats = [line for line in err.splitlines() if line.startswith("perfkit: repeat ")]
    assert len(repeats) == 2
    assert all(line.startswith(f"perfkit: repeat {i} of at most 2: ") for i, line in enumerate(repeats, 1))
    folder = max(path.parent for path in written())
    assert sorted(path.name for path in folder.glob("*.json")) == ["repeat-1.json", "repeat-2.json", "replicate-1.json"]
    assert not list(folder.glob("re*.journal")), "what has its file needs no journal"
    assert "twin" in {sample.variant for sample in read_run(folder / "repeat-1.json").replicate.samples}


@pytest.mark.alone  # beside others even five times as slow has been in doubt
@pytest.mark.parametrize(
    ("conftest", "reason"),
    [
        (CRASHES_IN_REPEATS, "its process ended with 9 before its first case"),
        (REFUSES_REPEATS, "pytest ended with 4, see above; nothing was measured"),
    ],
)
def test_a_lost_repeat_leaves_the_verdict_of_what_was_measured(
    project: Path, conftest: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert measure("--baseline=none", replicates=2) == ExitCode.NOT_JUDGED
    assert main(["promote", str(written()[0].parent)]) == ExitCode.PASS
    (project / "conftest.py").write_text(conftest)
    slowed = ["--", ".", "--perfkit-suite=tiny", f"--perfkit-fault={MODEL}/twin/{SMALL}=slow:400%"]
    assert main(["run", "--replicates=1", "--repeats=1", *slowed]) == ExitCode.FAIL
    err = capfd.readouterr().err
    assert f"perfkit: repeat 1 is lost: {reason}" in err
    assert "perfkit: 1 of 1 replicates in" in err.splitlines()[-1]


@pytest.mark.usefixtures("project")
def test_nothing_is_repeated_that_wasnt_compared(capfd: pytest.CaptureFixture[str]) -> None:
    assert measure("--baseline=none", "--repeats=3") == ExitCode.NOT_JUDGED
    assert "perfkit: repeat" not in capfd.readouterr().err


def test_a_crash_loses_its_replicate_alone(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "conftest.py").write_text(CRASHES_TWICE)
    assert measure("--baseline=none", replicates=2) == ExitCode.NOT_JUDGED
    assert [path.name for path in written()] == ["replicate-2.json"]
    err = capfd.readouterr().err
    assert "perfkit: replicate 1 is lost: its process ended with 9 before its first case" in err
    assert "perfkit: 1 of 2 replicates in" in err


def test_no_replicate_at_all_is_an_error(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "conftest.py").write_text("import os\ndef pytest_sessionstart():\n    os._exit(9)\n")
    assert measure() == ExitCode.USAGE
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == (
        "perfkit: no replicate was measured: replicate 1 is lost: its process ended with 9 before its first case"
    )


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ("base.json", "perfkit: base.json: empty"),
        ("nowhere.json", "perfkit: nowhere.json"),
        ("git:nowhere", "perfkit: "),
    ],
)
def test_a_named_baseline_that_cant_be_read_is_refused_before_anything_is_measured(
    baseline: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("base.json").touch()  # as pytest-benchmark leaves its file when the run is killed
    assert measure(f"--baseline={baseline}") == ExitCode.USAGE
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(message)
    assert not written()


@pytest.mark.usefixtures("project")
def test_an_unreadable_baseline_of_this_hardware_ends_it_after_the_first_replicate(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert measure("--baseline=none") == ExitCode.NOT_JUDGED
    assert main(["promote", str(written()[0])]) == ExitCode.PASS
    (base,) = Path("results/baselines").glob("*.json")
    base.write_text("{")
    capfd.readouterr()
    assert measure(replicates=5) == ExitCode.USAGE
    err = capfd.readouterr().err
    assert err.splitlines()[-1].startswith(f"perfkit: {base}")
    assert "replicate 2" not in err
    assert len(written()) == 2, "what was measured is kept"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--replicates=0"], "--replicates"),
        (["--repeats=-1"], "--repeats"),
        (["--", ".", "--perfkit-baseline=none"], "--perfkit-baseline goes before the --, as --baseline"),
        (["--", ".", "--perfkit-report=html:x.html"], "--perfkit-report would be written anew by each replicate"),
        (["--", ".", "--benchmark-json=mine.json"], "--benchmark-json is perfkit's own here"),
        (["--", ".", "--perfkit-suite=tini"], "pytest ended with 4, see above; nothing was measured"),
        (["--", ".", "-k", "nothing", "--perfkit-suite=tiny"], "pytest ended with 5, see above"),
        (["--", "nowhere"], "pytest ended with 4, see above"),
        (["--", ".", "-n", "1", "--perfkit-suite=tiny"], "pytest ended with 4, see above; nothing was measured"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", *arguments]) == ExitCode.USAGE
    assert message in capfd.readouterr().err.splitlines()[-1]


def test_a_record_that_cant_be_read_is_kept_and_not_judged(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (project / "conftest.py").write_text(
        "def pytest_benchmark_update_json(output_json):\n    output_json['version'] = 'nonsense'\n"
    )
    assert measure() == ExitCode.USAGE
    assert "no replicate was measured: replicate 1 is lost" in capfd.readouterr().err.splitlines()[-1]
    (kept,) = Path("results/runs").glob("*/replicate-*")
    assert kept.name == "replicate-1.unreadable"
    assert json.loads(kept.read_text())["benchmarks"]


def test_an_interrupt_judges_nothing(
    project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "conftest.py").write_text("def pytest_runtest_teardown():\n    raise KeyboardInterrupt\n")
    assert measure(replicates=3) == 130
    assert "replicate 2" not in capfd.readouterr().err
    (path,) = written()
    run = read_run(path)
    assert len(run.replicate.samples) == 1, "what was measured is kept"
    assert run.incomplete == "1 of 2 tests are left"
    assert main(["promote", str(path)]) == ExitCode.USAGE
    err = capfd.readouterr().err
    told = "is incomplete (1 of 2 tests are left); perfkit run --resume measures the rest"
    assert err.splitlines()[-1] == f"perfkit: {path}: {told}"
    assert main(["promote", str(path), "--force", "--reason", "I want it"]) == ExitCode.USAGE
    monkeypatch.delenv("PERFKIT_HISTORY")
    assert main(["history", "add", str(path)]) == ExitCode.USAGE
    assert capfd.readouterr().err.count(told) == 2
