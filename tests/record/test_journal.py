"""The journal of a replicate, cut off and damaged wherever that can be."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError
from perfkit.record.journal import (
    Built,
    Doing,
    Ended,
    Expected,
    Finished,
    PlannedTest,
    Session,
    differences,
    read_journal,
    run_identity,
    run_json,
)
from perfkit.record.journal_file import JournalFile, line_of, read_journal_lines
from perfkit.record.read import read_run, read_runs, run_from_json
from perfkit.record.schema import Outcome, RunRecord, Status
from tests.support import case, run_data, usual_times

if TYPE_CHECKING:
    from pathlib import Path

CASES = list(usual_times())[:3]
GONE = case("never-reached")


def records(*, finished: bool = False) -> list[Any]:
    """A session of three cases that were measured, of a fourth that is being measured."""
    data = run_data({each: usual_times()[each] for each in CASES}, rounds=5)
    entries = data.pop("benchmarks")
    run = RunRecord.model_validate(data.pop("perfkit"))
    planned = [*CASES, GONE]
    not_run = [Outcome(**each._asdict(), status=Status.NOT_RUN, reason="the run ended before it") for each in planned]
    tests = [PlannedTest(test=f"test[{each}]", case=each) for each in planned]
    found: list[Any] = [Session(skeleton=data, run=run.model_copy(update={"outcomes": not_run}), tests=tests)]
    for planned_test, entry in zip(tests, entries, strict=False):
        assert planned_test.case is not None
        outcome = Outcome(**planned_test.case._asdict(), status=Status.MEASURED)
        found += [Doing(**planned_test.case._asdict())]
        found += [Ended(test=planned_test.test, outcome=outcome, entry=entry)]
    found += [Doing(**GONE._asdict())]
    return [*found, Finished(machine_state={"end_load": 1.5})] if finished else found


def lines(found: list[Any]) -> list[bytes]:
    return [line_of(record.model_dump(mode="json")) for record in found]


def write(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


def small_records() -> list[dict[str, Any]]:
    return [{"kind": "a", "value": 0.1}, {"text": "x\ny\u2028ü"}, {"deep": [[1, None, True]]}, {"last": 1e-300}]


@pytest.fixture(scope="module")
def small() -> bytes:
    return b"".join(line_of(record) for record in small_records())


def test_a_journal_cut_at_any_byte_loses_its_last_record_at_most(tmp_path: Path, small: bytes) -> None:
    """And whoever goes on with it adds to what is left."""
    path = tmp_path / "x.journal"
    ends = [offset + 1 for offset, byte in enumerate(small) if byte == ord("\n")]
    for offset in range(len(small) + 1):
        write(path, small[:offset])
        # Without its new line alone, a record is whole.
        whole = sum(end - 1 <= offset for end in ends)
        assert [data for data in read_journal_lines(path) if data is not None] == small_records()[:whole]
        file = JournalFile(path)
        file.append({"added": offset})
        file.close()
        assert [data for data in read_journal_lines(path) if data is not None] == [
            *small_records()[:whole],
            {"added": offset},
        ]


def test_a_session_cut_at_any_byte_is_a_run_with_all_that_ended_before(tmp_path: Path) -> None:
    found = lines(records())
    raw, path = b"".join(found), tmp_path / "replicate-1.journal"
    starts = [sum(map(len, found[:index])) for index in range(len(found) + 1)]
    # Every offset of the last record and some of the others: reading a run takes milliseconds.
    offsets = [*range(starts[1] - 1, starts[-2], 61), *range(starts[-2] - 2, len(raw) + 1)]
    for offset in offsets:
        run = read_run(write(path, raw[:offset]))
        whole = sum(end - 1 <= offset for end in starts[1:])
        ended = sum(isinstance(record, Ended) for record in records()[:whole])
        assert len(run.replicate.samples) == ended
        assert run.incomplete == f"{4 - ended} of 4 tests are left"
        assert len(run.outcomes) == 4


@pytest.mark.parametrize("offset", [0, 1, 500])
def test_a_journal_without_a_session_is_no_run(tmp_path: Path, offset: int) -> None:
    path = write(tmp_path / "replicate-1.journal", lines(records())[0][:offset])
    with pytest.raises(UserError, match="holds no session"):
        read_run(path)


@given(position=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_loses_the_records_whose_lines_it_touched_alone(
    tmp_path_factory: pytest.TempPathFactory, small: bytes, position: int, bit: int
) -> None:
    raw = bytearray(small)
    raw[position % len(raw)] ^= 1 << bit
    path = write(tmp_path_factory.mktemp("flipped") / "x.journal", bytes(raw))
    found = [data for data in read_journal_lines(path) if data is not None]
    assert all(data in small_records() for data in found)
    lost = len(small_records()) - len(found)
    assert lost in (1, 2) if small[position % len(small)] == ord("\n") else lost <= 1


@given(raw=st.binary(max_size=300))
def test_any_bytes_are_read_without_an_exception_of_ours(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = write(tmp_path_factory.mktemp("any") / "x.journal", raw)
    assert not read_journal(path).sessions


@pytest.mark.parametrize(
    "line",
    [
        b'{"record":{"a":NaN},"sha256":"0000000000000000"}\n',
        b'{"record":' + b"[" * 100_000 + b"\n",
        b'{"record":{"a":' + b"9" * 10_000 + b'},"sha256":"0000000000000000"}\n',
        b"[1]\n",
        b'{"record":3}\n',
        b"\x00\xff\n",
    ],
    ids=["NaN", "deep", "digits", "list", "number", "bytes"],
)
def test_a_hostile_line_is_a_damaged_one(tmp_path: Path, line: bytes) -> None:
    found = lines(records())
    journal = read_journal(write(tmp_path / "x.journal", found[0] + line + b"".join(found[1:])))
    assert journal.damaged == 1
    assert len(journal.ended) == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}.keys()])
def test_what_is_no_strict_json_is_refused_and_leaves_the_file_as_it_was(tmp_path: Path, value: object) -> None:
    file = JournalFile(tmp_path / "x.journal")
    file.append({"a": 1})
    with pytest.raises((ValueError, TypeError)):
        file.append({"b": value})
    file.append({"c": 3})
    file.close()
    assert list(read_journal_lines(tmp_path / "x.journal")) == [{"a": 1}, {"c": 3}]


def test_a_record_is_on_the_disk_before_the_writer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_size))
    file = JournalFile(tmp_path / "x.journal")
    file.append({"a": 1})
    file.close()
    assert flushed[-1] == (tmp_path / "x.journal").stat().st_size


def test_a_record_that_doesnt_fit_on_the_disk_is_told_and_takes_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.journal"
    file = JournalFile(path)
    file.append({"a": 1})
    really = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return really(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UserError, match=r"x\.journal: cannot be written: No space left on device"):
        file.append({"b": 2})
    monkeypatch.undo()
    file.append({"c": 3})
    file.close()
    assert list(read_journal_lines(path)) == [{"a": 1}, {"c": 3}]


def test_what_a_case_was_at_is_its_reason(tmp_path: Path) -> None:
    run = read_run(write(tmp_path / "replicate-1.journal", b"".join(lines(records()))))
    reasons = {outcome.case: outcome.reason for outcome in run.outcomes if outcome.status is Status.NOT_RUN}
    assert reasons == {GONE: f"the run ended while {GONE} was measured"}
    assert run.incomplete == "1 of 4 tests are left"


def test_a_session_that_came_to_its_end_is_complete(tmp_path: Path) -> None:
    """Even with a test left, as after --maxfail."""
    data = run_json(read_journal(write(tmp_path / "x.journal", b"".join(lines(records(finished=True))))))
    assert data["perfkit"]["incomplete"] is None
    assert data["perfkit"]["machine_state"]["end_load"] == 1.5
    assert run_from_json(data, "x").incomplete is None


def test_the_last_record_of_a_test_counts_and_two_sessions_are_two_processes(tmp_path: Path) -> None:
    found = records()
    ended = next(record for record in found if isinstance(record, Ended))
    assert ended.outcome is not None
    broken = ended.outcome.model_copy(update={"status": Status.BROKEN, "reason": "in its teardown"})
    again = Ended(test=ended.test, outcome=broken)
    raw = b"".join(lines([*found, found[0], again]))
    data = run_json(read_journal(write(tmp_path / "x.journal", raw)))
    assert data["perfkit"]["processes"] == 2
    assert data["perfkit"]["outcomes"][0]["reason"] == "in its teardown"
    assert len(data["benchmarks"]) == 2


def test_a_build_that_is_done_is_to_blame_for_nothing(tmp_path: Path) -> None:
    first = records()[0]
    path = write(tmp_path / "x.journal", b"".join(lines([first, Doing(model="m"), Built(model="m", reason="no")])))
    assert read_journal(path).doing is None


@pytest.mark.parametrize(
    ("doing", "concerned"),
    [
        (Doing(model="m"), ["a", "b", "c"]),
        (Doing(model="m", variant="v"), ["a", "b"]),
        (Doing(model="m", variant="v", shape="2"), ["b"]),
        (Doing(test="d"), ["d"]),
        (Doing(model="other"), []),
    ],
)
def test_what_is_done_concerns_the_cases_that_need_it(doing: Doing, concerned: list[str]) -> None:
    planned = [
        PlannedTest(test="a", case=CaseId("m", "v", "1")),
        PlannedTest(test="b", case=CaseId("m", "v", "2")),
        PlannedTest(test="c", case=CaseId("m", "w", "1")),
        PlannedTest(test="d"),
    ]
    assert [each.test for each in planned if doing.concerns(each)] == concerned


def test_a_folder_has_the_journals_of_replicates_that_have_no_file(tmp_path: Path) -> None:
    raw = b"".join(lines(records()))
    write(tmp_path / "replicate-1.journal", raw)
    write(tmp_path / "replicate-2.journal", raw)
    write(tmp_path / "run.journal", line_of({"kind": "run"}))
    (tmp_path / "replicate-1.json").write_text(json.dumps(run_data(day=2)))
    found = read_runs(tmp_path)
    assert sorted(run.source.rpartition("/")[2] for run in found) == ["replicate-1.json", "replicate-2.journal"]


def test_another_plan_software_or_hardware_is_told_by_name() -> None:
    run = records()[0].run
    other = run.model_copy(
        update={
            "outcomes": run.outcomes[:-1],
            "software": {**run.software, "torch": "2.12.0"},
            "hardware": run.hardware.model_copy(update={"count": 2}),
        }
    )
    assert differences(run_identity(run), run_identity(run)) == []
    told = differences(run_identity(run), run_identity(other))
    assert [line.partition(" (")[0] for line in told] == ["hardware", "plan", "version of torch"]
    assert told[1:] == ["plan (1 cases less, 0 more)", "version of torch (2.11.0 -> 2.12.0)"]


def test_an_expectation_comes_before_the_first_session(tmp_path: Path) -> None:
    path = write(tmp_path / "x.journal", b"".join(lines([Expected(identity={"suite": "nightly"}), *records()])))
    journal = read_journal(path)
    assert journal.expected == Expected(identity={"suite": "nightly"})
    assert len(journal.ended) == 3
