from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from perfkit.errors import UserError
from perfkit.history.add import Added, Entry, add_runs
from perfkit.history.database import History, open_history
from perfkit.history.series import find_series, histories_of, numbers_of, runs_since, software_of
from perfkit.history.tables import MEASUREMENTS, METADATA, RUNS, VERDICTS
from perfkit.record.read import run_from_json
from tests.support import CPU, case, make_run, plain_data, program_environment, usual_times, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator

NOWHERE = Path("nowhere")
"""The variable names the database, so that no folder is looked at."""


@pytest.fixture
def history(history_url: str) -> Iterator[History]:
    assert history_url
    with open_history(NOWHERE) as opened:
        yield opened


def test_a_name_that_the_database_doesnt_take_is_told_in_a_line(history: History) -> None:
    """PostgreSQL's text holds no NUL; SQLite's does."""
    run, told = make_run({case(model="res\0net"): (4e-3, 2e-3)}), ""
    try:
        assert add_runs(history, [Entry(run)]).new == 1
    except UserError as error:
        told = str(error)
    assert told == "" or ("NUL" in told and "\n" not in told)


def counts(history: History) -> dict[str, int]:
    with history.reading() as connection:
        return {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in METADATA.sorted_tables
        }


def test_what_was_measured_comes_back(history: History) -> None:
    runs = [make_run(day=day) for day in (2, 1, 3)]
    assert add_runs(history, map(Entry, runs)) == Added(3, 0)
    one = case("trt-int8")
    with history.reading() as connection:
        (through,) = histories_of(
            connection, find_series(connection, str(one), "device time"), known := runs_since(connection, None)
        )
        versions = software_of(connection, [run.software_id for run in known.values()])
    assert through.series.case == one
    assert through.series.hardware == "Made Up GPU x1, 80 GiB, compute capability 9.0"
    by_date = sorted(runs, key=lambda run: run.replicate.datetime)
    assert [point.run.digest for point in through.points] == [run.replicate.run_id for run in by_date]
    assert [point.run.date for point in through.points] == [run.replicate.datetime for run in by_date]
    assert [point.run.commit for point in through.points] == [run.replicate.commit for run in by_date]
    timings = [sample.device for run in by_date for sample in run.replicate.samples if sample.case == one]
    for point, timing in zip(through.points, timings, strict=True):
        assert timing is not None
        assert point.value == pytest.approx(timing.variant_s, rel=1e-12)
        assert point.relative_error == timing.variant_se
        assert point.verdict is None
    (told,) = versions.values()
    assert told["torch"] == "2.11.0"
    assert told["settings.tf32"] == "False"


def test_the_metrics_of_a_case(history: History) -> None:
    add_runs(history, [Entry(make_run())])
    with history.reading() as connection:
        names = {
            name: len(find_series(connection, str(case()), name))
            for name in ("device speedup", "wall speedup", "device time", "wall time", "layers", "engines", "build_s")
        }
        assert [series.metric for series in find_series(connection, "*", None)] == ["device speedup"] * 12
        with pytest.raises(UserError, match="no 'weight' of it; there are: build_s, cold_call_s, device speedup, "):
            find_series(connection, str(case()), "weight")
        with pytest.raises(UserError, match=r"no such case .* did you mean resnet50/trt-fp16/1x3x224x224\?"):
            find_series(connection, "resnet50/trt-fp61/1x3x224x224", None)
    assert set(names.values()) == {1}


def test_a_copy_is_the_same_run(history: History) -> None:
    assert add_runs(history, [Entry(make_run(day=1)), Entry(make_run(day=1))]) == Added(1, 1)
    before = counts(history)
    assert add_runs(history, [Entry(make_run(day=1))]) == Added(0, 1)
    assert counts(history) == before
    assert before["runs"] == 1
    assert before["cases"] == 12
    assert before["measurements"] == before["series"]


def test_verdicts_may_come_later_and_stay_as_they_were_first(history: History) -> None:
    run = make_run()
    add_runs(history, [Entry(run)])
    assert add_runs(history, [Entry(run, {case(): "PASS"})]) == Added(0, 1)
    add_runs(history, [Entry(run, {case(): "REGRESSED"})])
    with history.reading() as connection:
        series = find_series(connection, str(case()), None)
        (through,) = histories_of(connection, series, runs_since(connection, None))
    assert [point.verdict for point in through.points] == ["PASS"]


def test_numbers_in_columns_are_the_same_numbers(history: History) -> None:
    """In the order of dates, which isn't the order in which they were added."""
    add_runs(history, [Entry(make_run(day=day)) for day in (3, 1, 4, 2)])
    with history.reading() as connection:
        series = find_series(connection, "resnet50/*", "wall time")
        for runs in (runs_since(connection, None), runs_since(connection, 1893456000 + 2 * 86400), {}):
            ids, places, values = numbers_of(connection, series, runs)
            found = histories_of(connection, series, runs)
            expected = {
                (each.series.id, list(runs.values()).index(point.run)): point.value
                for each in found
                for point in each.points
            }
            told = dict(zip(zip(ids.tolist(), places.tolist(), strict=True), values.tolist(), strict=True))
            assert told == pytest.approx(expected, rel=1e-14)
            assert list(zip(ids.tolist(), places.tolist(), strict=True)) == sorted(expected)
            assert len(expected) == len(runs) * 6


def test_hardware_keeps_series_apart_and_since_cuts_them(history: History) -> None:
    add_runs(history, [Entry(make_run(day=1)), Entry(make_run(day=5)), Entry(make_run(day=9, hardware=CPU))])
    with history.reading() as connection:
        series = find_series(connection, str(case()), "wall speedup")
        late = runs_since(connection, 1893456000 + 3 * 86400)  # 2030-01-04
        whole = histories_of(connection, series, runs_since(connection, None))
        cut = histories_of(connection, series, late)
    assert [(each.series.hardware[:11], len(each.points)) for each in whole] == [("Made Up CPU", 1), ("Made Up GPU", 2)]
    assert [(each.series.hardware[:11], len(each.points)) for each in cut] == [("Made Up CPU", 1), ("Made Up GPU", 1)]


def test_plain_files_have_what_they_have(history: History) -> None:
    times = {case("eager-fp32"): 4e-3, case(): 1e-3}
    add_runs(history, [Entry(run_from_json(plain_data(times), "plain.json"))])
    with history.reading() as connection:
        found = histories_of(connection, find_series(connection, "*", None), runs_since(connection, None))
    assert {str(each.series.case): (each.series.metric, round(each.points[0].value, 6)) for each in found} == {
        "resnet50/eager-fp32/1x3x224x224": ("wall time", 0.004),
        "resnet50/trt-fp16/1x3x224x224": ("wall speedup", 4.0),
    }


def test_a_refused_run_leaves_nothing_of_its_batch(history: History) -> None:
    with pytest.raises(UserError, match="has faults put in on purpose"):
        add_runs(history, [Entry(make_run(day=1)), Entry(make_run(day=2, injected="a fault"))])
    undated = make_run(day=3)
    replicate = undated.replicate.model_copy(update={"datetime": "yesterday"})
    with pytest.raises(UserError, match="'yesterday' is no date"):
        add_runs(history, [Entry(undated.model_copy(update={"replicate": replicate}))])
    assert set(counts(history).values()) == {0}


WRITER = """
import sys
from pathlib import Path
from perfkit.cli import main
sys.stdin.readline()  # all start at once
sys.exit(main(["history", "add", *sys.argv[1:]]))
"""


@pytest.mark.usefixtures("history_url")
def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    """They make the tables, too: nobody was there before; and half of each one's runs are another's as well."""
    folders = []
    for number in range(4):
        folder = tmp_path / str(number)
        for day in range(number * 3 + 1, number * 3 + 7):
            write_run(folder, {case(): usual_times()[case()]} if day % 2 else None, day=day)
        folders.append(folder)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)],
            env=program_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    ended = [writer.communicate() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4, ended
    assert sum(int(out.split()[0]) for out, _ in ended) == 15
    with open_history(NOWHERE) as history, history.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(RUNS)).scalar_one() == 15
        found = histories_of(connection, find_series(connection, "*", None), runs_since(connection, None))
        of_one = connection.execute(sa.select(MEASUREMENTS.c.run_id).distinct()).all()
        assert not connection.execute(sa.select(VERDICTS)).all()
    assert {str(each.series.case): len(each.points) for each in found} == {
        str(each): 15 if each == case() else 7 for each in usual_times()
    }
    assert len(of_one) == 15
