"""A process that crashes, hangs or takes too much breaks what it was at; another one goes on with the rest."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from perfkit.exit_codes import ExitCode
from perfkit.record.journal import read_journal
from perfkit.record.lock import locked_folder
from tests.faults.runs import (
    command,
    ended,
    instant_project,
    outcomes,
    perfkit,
    processes_below,
    replicate,
    resuming,
    run,
    run_folder,
    start,
    wait_for_ended,
)
from tests.projects import LARGE, SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Ended

LIMIT_S = 10
"""Of a step; a busy machine needs some seconds to start a process."""
LIMITS = f"[process]\ntime_limit_s = {LIMIT_S}\nmemory_share = {0.5e9 / psutil.virtual_memory().total}\n"
FAULTS = {
    "segfaults": "its process was killed by SIGSEGV",
    "aborts": "its process was killed by SIGABRT",
    "is-killed": "its process was killed by SIGKILL, as the system does where memory runs out",
    "exits": "its process ended with 7",
    "hangs": f"its process was ended: not done after {LIMIT_S} s ([process] time_limit_s)",
    "hogs": "its process was ended: it took N.N GB of memory of 0.5 ([process] memory_share)",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fault in a case, sound ones around them."""
    return instant_project(
        tmp_path_factory.mktemp("faults"), ["variant-1", *FAULTS, "variant-2"], models=["one"], more=LIMITS
    )


@pytest.fixture(scope="module")
def after(project: Path) -> Ended:
    return run(project, command())


def test_the_run_goes_on_to_its_end_and_fails(project: Path, after: Ended) -> None:
    assert after.code == ExitCode.FAIL, after.err
    assert processes_below(project) == []
    assert [path.name for path in sorted(run_folder(project).iterdir())] == ["replicate-1.json", "run.journal"]


@pytest.mark.usefixtures("after")
@pytest.mark.parametrize("fault", FAULTS)
def test_the_case_that_was_measured_is_broken_with_the_cause(project: Path, fault: str) -> None:
    status, reason = outcomes(replicate(project))[f"one/{fault}"]
    assert status == "broken"
    told = re.sub(r"took \d+\.\d GB", "took N.N GB", reason)
    assert told == f"{FAULTS[fault]} while one/{fault}/1x3x64x64 was measured"


@pytest.mark.usefixtures("after")
def test_the_others_are_measured_once_each(project: Path) -> None:
    sound = ["eager-fp32", "variant-1", "variant-2"]
    assert [entry["extra_info"]["variant"] for entry in replicate(project)["benchmarks"]] == sound
    log = (project / "log.txt").read_text().splitlines()
    measured = [line.split()[2] for line in log if line.startswith("measured")]
    assert measured == ["eager-fp32", "variant-1", *FAULTS, "variant-2"]


@pytest.mark.usefixtures("after")
def test_the_record_says_how_many_processes_there_were(project: Path) -> None:
    data = replicate(project)
    assert data["perfkit"]["processes"] == len(FAULTS) + 1
    processes = [entry["extra_info"]["perfkit"]["process"] for entry in data["benchmarks"]]
    assert processes == [1, 1, len(FAULTS) + 1]
    assert data["perfkit"]["incomplete"] is None


def test_each_death_is_told_in_a_line(after: Ended) -> None:
    told = [line for line in after.err.splitlines() if line.startswith("perfkit: replicate-1: ")]
    assert len(told) == len(FAULTS)
    assert told[0] == (
        "perfkit: replicate-1: its process was killed by SIGSEGV while one/segfaults/1x3x64x64 was measured; "
        "another one measures the 6 left"
    )


@pytest.mark.parametrize(
    ("variants", "models", "what", "broken"),
    [
        (["build-segfaults", "variant-1"], ["one"], "one/build-segfaults was built", ["one/build-segfaults"] * 2),
        (
            ["variant-1"],
            ["load-segfaults", "two"],
            "load-segfaults was loaded",
            ["load-segfaults/eager-fp32"] * 2 + ["load-segfaults/variant-1"] * 2,
        ),
    ],
)
def test_a_build_or_a_model_breaks_all_that_need_it_at_once(
    tmp_path: Path, variants: list[str], models: list[str], what: str, broken: list[str]
) -> None:
    """Each of their cases would crash another process."""
    folder = instant_project(tmp_path, variants, models=models, shapes=[SMALL, LARGE])
    assert run(folder, command()).code == ExitCode.FAIL
    data = replicate(folder)
    assert data["perfkit"]["processes"] == 2
    found = data["perfkit"]["outcomes"]
    assert [f"{each['model']}/{each['variant']}" for each in found if each["status"] == "broken"] == broken
    reasons = {each["reason"] for each in found if each["status"] == "broken"}
    assert reasons == {f"its process was killed by SIGSEGV while {what}"}
    assert {each["status"] for each in found} == {"broken", "measured"}


def test_a_process_that_has_lost_its_gpu_makes_room_for_another(tmp_path: Path) -> None:
    """Whatever it did next would fail as well."""
    folder = instant_project(tmp_path, ["variant-1", "loses-device", "variant-2"], models=["one"])
    after = run(folder, command())
    assert after.code == ExitCode.FAIL
    assert "perfkit: replicate-1: its process has lost the GPU; another one measures the 1 left" in after.err
    data = replicate(folder)
    assert outcomes(data) == {
        "one/eager-fp32": ("measured", ""),
        "one/variant-1": ("measured", ""),
        "one/loses-device": ("broken", "RuntimeError: CUDA error: an illegal memory access was encountered"),
        "one/variant-2": ("measured", ""),
    }
    assert data["perfkit"]["processes"] == 2


def test_a_process_that_dies_before_its_first_case_loses_its_replicate(tmp_path: Path) -> None:
    """If its successor does the same."""
    folder = instant_project(tmp_path)
    (folder / "conftest.py").write_text("import os\nos._exit(9)\n")
    after = run(folder, command(replicates=2))
    assert after.code == ExitCode.USAGE
    last = "perfkit: no replicate was measured: replicate 2 is lost: its process ended with 9 before its first case"
    assert after.err.splitlines()[-1] == last
    assert after.err.count("another one tries") == 2
    assert [path.name for path in run_folder(folder).iterdir()] == ["run.journal"]


DIES_ONCE = """
import os, signal
from pathlib import Path
import tests.faults.instant as instant
from tests.faults.instant import *

_DEATHS, _measured = Path("deaths"), instant._measure
_configured = instant.pytest_configure

def _measure(bench, variant, *others):
    if bench.plan.label == "two" and variant.name == "variant-1" and not _DEATHS.exists():
        _DEATHS.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return _measured(bench, variant, *others)

instant._measure = _measure

def pytest_configure(config):
    if _DEATHS.exists() and len(_DEATHS.read_text()) < 2:
        _DEATHS.write_text(_DEATHS.read_text() + "x")
        os._exit(9)
    _configured(config)
"""


def test_what_is_broken_counts_where_no_process_can_measure_the_rest(tmp_path: Path) -> None:
    """The run, its comparison, a promotion and --resume agree: it fails, isn't finished, and can be gone on with."""
    folder = instant_project(tmp_path)
    assert run(folder, command(replicates=3)).code == ExitCode.NOT_JUDGED
    base = run_folder(folder)
    assert run(folder, perfkit("promote", str(base))).code == ExitCode.PASS
    base.rename(folder / "base")
    (folder / "conftest.py").write_text(DIES_ONCE)

    after = run(folder, command("--baseline=auto", replicates=3))
    assert after.code == ExitCode.FAIL, after.out
    assert "1 BROKEN, 5 PASS" in after.out
    where = run_folder(folder).relative_to(folder)
    lines = after.err.splitlines()
    assert "perfkit: replicate-1 stays incomplete: its process ended with 9 before its first case" in lines
    told = f"not all of them are whole; perfkit run --resume {where} measures the rest"
    assert lines[-1] == f"perfkit: 3 of 3 replicates in {where}; {told}"

    compared = run(folder, perfkit("compare", "auto", str(where)))
    assert (compared.code, compared.out) == (after.code, after.out)
    refused = run(folder, perfkit("promote", str(where)))
    assert "is incomplete (1 of 6 tests are left); perfkit run --resume measures the rest" in refused.err

    resumed = run(folder, resuming(str(where)))
    assert resumed.code == ExitCode.FAIL
    assert outcomes(replicate(folder))["two/variant-2"] == ("measured", "")
    assert outcomes(replicate(folder))["two/variant-1"][0] == "broken"
    assert sorted(path.suffix for path in (folder / where).iterdir()) == [".journal", *[".json"] * 3]
    assert run(folder, perfkit("compare", "auto", str(where))).code == ExitCode.FAIL
    assert "is finished" in run(folder, resuming(str(where))).err
    assert "not promoted: two/variant-1/1x3x64x64 is BROKEN" in run(folder, perfkit("promote", str(where))).out


SLOWED_AND_DIES_IN_REPEATS = (
    DIES_ONCE.replace('bench.plan.label == "two" and variant', "SLOW.repeats and variant")
    + """
class SLOW:
    repeats, factor = False, 1
_now_s, _begun, _timed = instant._Clock.now_s, pytest_configure, instant._measure

def pytest_configure(config):
    SLOW.repeats = bool(config.option.perfkit_case)
    _begun(config)

def _slower(self):
    self._read_s += self.step_s * (SLOW.factor - 1)
    return _now_s(self)

def _measure_slowly(bench, variant, *others):
    SLOW.factor = 4 if variant.name == "variant-1" else 1
    return _timed(bench, variant, *others)

instant._Clock.now_s, instant._measure = _slower, _measure_slowly
"""
)


def test_a_repeat_that_no_process_can_finish_counts_and_is_gone_on_with(tmp_path: Path) -> None:
    """Even where nothing is in doubt any more, for somebody has taken the baseline away."""
    folder = instant_project(tmp_path)
    assert run(folder, command()).code == ExitCode.NOT_JUDGED
    base = run_folder(folder)
    assert run(folder, perfkit("promote", str(base))).code == ExitCode.PASS
    base.rename(folder / "base")
    (folder / "conftest.py").write_text(SLOWED_AND_DIES_IN_REPEATS)
    after = run(folder, command("--baseline=auto", "--repeats=1"))
    assert "repeat 1 of at most 1: " in after.err
    assert "repeat-1 stays incomplete: its process ended with 9 before its first case" in after.err
    assert after.code == ExitCode.FAIL
    assert "1 BROKEN" in after.out
    where = run_folder(folder)
    assert outcomes(replicate(where, "repeat-1.json"))["one/variant-1"][0] == "broken"
    for baseline in (folder / "results" / "baselines").iterdir():
        baseline.unlink()
    assert "2 of 1 replicates" in run(folder, resuming()).err
    assert outcomes(replicate(where, "repeat-1.json"))["two/variant-1"] == ("measured", "")
    assert "holds no unfinished run" in run(folder, resuming()).err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("variant", ["sleeps", "hangs"])
def test_an_interrupt_leaves_a_journal_and_nothing_else(tmp_path: Path, number: int, variant: str) -> None:
    """No process and no lock, even of a case that no signal ends."""
    folder = instant_project(tmp_path, ["variant-1", variant], models=["one"])
    process = start(folder, command())
    wait_for_ended(folder, 2)
    time.sleep(0.5)  # into the case
    process.send_signal(number)
    after = ended(process)
    assert after.code == 130
    where = run_folder(folder)
    told = f"perfkit: interrupted; perfkit run --resume {where.relative_to(folder)} goes on"
    assert after.err.splitlines()[-1] == told
    assert processes_below(folder) == []
    assert [path.name for path in sorted(where.iterdir())] == [
        "replicate-1.journal",
        "replicate-1.json",
        "run.journal",
    ]
    assert read_journal(where / "replicate-1.journal").damaged == 0
    data = replicate(folder)
    assert data["perfkit"]["incomplete"] == "1 of 3 tests are left"
    case = f"one/{variant}"
    assert outcomes(data)[case] == ("not_run", f"the run ended while {case}/{SMALL} was measured")
    with locked_folder(where, refusal="still held"):
        pass
