from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.catalog.case import CaseId
from perfkit.record.read import read_run
from perfkit.record.schema import Status
from tests.projects import LARGE, MODEL, SMALL, Ended, logged, register, run_pytest, saved_files, suite, write_project

if TYPE_CHECKING:
    from pathlib import Path

REASONS = {
    "answers-nan": "the outputs hold NaN or infinity on 8 of 8 images",
    "cannot-import": "cannot-import' (tests.nowhere:Gone) can't be imported: ModuleNotFoundError: No module named",
    "clock-backwards": "times are not positive: -",
    "kills-its-process": "build failed: its process was killed by SIGKILL",
    "raises-in-build": "build failed: RuntimeError: no kernel for this operator",
    "raises-in-call": "ValueError: cannot serve (1, 1000)",
    "raises-when-timed": "RuntimeError: out of memory",
    "wrong-precision": "precision not delivered: 0 of 55 layer outputs are int8 (Float, Half)",
    "wrong-answers": "answers differ from eager-fp32: lowest cosine -1.0",
    "wrong-shape": "output 0 has shape (1, 999) where eager-fp32 has (1, 1000)",
}
# In the order of the plan; sound ones between the broken ones, and last the one that breaks the clock.
VARIANTS = [
    "kills-its-process",
    "raises-in-build",
    "raises-in-call",
    "raises-when-timed",
    "twin",
    "answers-nan",
    "wrong-shape",
    "wrong-answers",
    "wrong-precision",
    "unavailable",
    "cannot-import",
    "sibling",
    "clock-backwards",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("broken"), suite(VARIANTS))
    register(folder, {"cannot-import": "tests.nowhere:Gone"}, name="other")
    return folder


@pytest.fixture(scope="module")
def ended(project: Path) -> Ended:
    return run_pytest(project, "--benchmark-autosave", "--perfkit-baseline=none")


@pytest.fixture
def outcomes(project: Path, ended: Ended) -> dict[tuple[str, str], dict[str, Any]]:
    assert ended.code == 1
    (path,) = saved_files(project)
    return {(o["variant"], o["shape"]): o for o in json.loads(path.read_text())["perfkit"]["outcomes"]}


def test_the_run_goes_on_and_fails(ended: Ended) -> None:
    assert ended.code == 1, ended.out
    counts = Counter(ended.counts)
    assert counts["passed"] == 2 * len(["eager-fp32", "twin", "sibling"])
    assert counts["skipped"] == 2
    assert counts["failed"] + counts["errors"] == 2 * len(REASONS)


@pytest.mark.case("B06")
@pytest.mark.parametrize("variant", REASONS)
def test_a_broken_case_keeps_its_reason(variant: str, outcomes: dict[tuple[str, str], dict[str, Any]]) -> None:
    for shape in (SMALL, LARGE):
        assert outcomes[variant, shape]["status"] == "broken"
        reason = outcomes[variant, shape]["reason"]
        assert REASONS[variant] in reason
        assert "\n" not in reason
        assert "second line" not in reason


@pytest.mark.parametrize("variant", ["eager-fp32", "twin", "sibling"])
def test_the_others_are_measured(variant: str, outcomes: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert {outcomes[variant, shape]["status"] for shape in (SMALL, LARGE)} == {"measured"}


def test_the_table_names_them_with_the_reason(ended: Ended) -> None:
    assert set(ended.verdicts("BROKEN")) == {f"{MODEL}/{variant}/{s}" for variant in REASONS for s in (SMALL, LARGE)}
    table = ended.out.partition(" perfkit ====")[2]
    assert "no kernel for this operator" in table
    assert "999" in table


def test_what_cannot_run_is_skipped_with_its_reason_and_not_replaced(
    project: Path, ended: Ended, outcomes: dict[tuple[str, str], dict[str, Any]]
) -> None:
    assert outcomes["unavailable", SMALL]["status"] == "skipped"
    assert outcomes["unavailable", SMALL]["reason"] == "this machine lacks a flux capacitor"
    assert sum("unavailable" in line and "skipped: this machine lacks" in line for line in ended.lines) == 2
    assert not any("unavailable" in line for line in logged(project))


@pytest.mark.case("D06")
def test_a_failed_build_is_not_repeated_for_each_shape(project: Path, ended: Ended) -> None:
    assert ended.code == 1
    builds = Counter(line.split()[1] for line in logged(project) if line.startswith("build"))
    assert builds["raises-in-build"] == 1
    assert set(builds.values()) == {1}


def test_the_file_holds_sound_times_only(project: Path, ended: Ended) -> None:
    assert ended.code == 1
    (path,) = saved_files(project)
    run = json.loads(path.read_text())
    assert {b["params"]["perfkit_variant"] for b in run["benchmarks"]} == {"eager-fp32", "twin", "sibling"}
    read = {outcome.case: outcome.status for outcome in read_run(path).outcomes}
    assert read[CaseId(MODEL, "clock-backwards", SMALL)] is Status.BROKEN
    assert read[CaseId(MODEL, "twin", SMALL)] is Status.MEASURED


KEPT = """
import sys


def pytest_terminal_summary(terminalreporter):
    error, names = sys.last_value, set()
    while error is not None:
        frame = error.__traceback__
        while frame is not None:
            names.add(frame.tb_frame.f_code.co_name + ("" if frame.tb_frame.f_locals else ":empty"))
            frame = frame.tb_next
        error = error.__context__
    terminalreporter.write_line(f"kept frames: {' '.join(sorted(names))}")
"""


def test_wrong_answers_keep_no_pictures(tmp_path: Path) -> None:
    """The interpreter keeps the last error, with what its frames hold; on a GPU that was 77 MB of batches."""
    folder = write_project(tmp_path, suite(["wrong-answers"]))
    (folder / "conftest.py").write_text(KEPT)
    ended = run_pytest(folder, "--perfkit-baseline=none")
    (kept,) = (line for line in ended.lines if line.startswith("kept frames:"))
    assert "_measure" in kept
    assert "measure_case" not in kept


def test_an_error_while_a_case_is_measured_keeps_none_either(tmp_path: Path) -> None:
    """Nor its graphs: what is built next needs the room."""
    folder = write_project(tmp_path, suite(["raises-when-timed"]))
    (folder / "conftest.py").write_text(KEPT)
    ended = run_pytest(folder, "--perfkit-baseline=none", "--showlocals")
    assert "spent      = <perfkit.measure.spent.Spent" in ended.out, "who asks for them sees a frame's names"
    (kept,) = (line for line in ended.lines if line.startswith("kept frames:"))
    names = kept.split()
    assert {"measure_case:empty", "_measured:empty", "pedantic:empty"} <= set(names)
    assert "_measured" not in names


def test_ctrl_c_in_a_case_keeps_what_was_measured_and_shows_no_traceback(tmp_path: Path) -> None:
    """Warnings are errors there, and pytest-benchmark warns of a fixture that wasn't used."""
    folder = write_project(tmp_path, suite(["interrupted", "twin"], shapes=[SMALL]))
    ended = run_pytest(folder, "--perfkit-baseline=none", "--benchmark-autosave")
    assert ended.code == pytest.ExitCode.INTERRUPTED, ended.err
    assert "Traceback" not in ended.out + ended.err
    assert "! KeyboardInterrupt !" in ended.out
    (path,) = saved_files(folder)
    statuses = {outcome.case.variant: outcome.status for outcome in read_run(path).outcomes}
    assert statuses == {"eager-fp32": Status.MEASURED, "interrupted": Status.NOT_RUN, "twin": Status.NOT_RUN}
