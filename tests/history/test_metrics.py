"""Which numbers of a sample have a series, and under which name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perfkit.errors import UserError
from perfkit.history.add import Entry, add_runs
from perfkit.history.database import open_history
from perfkit.history.metrics import custom_name, declared, is_asked_for, measured, more_is_better
from perfkit.history.series import find_series, histories_of, runs_since
from perfkit.judge.metric import Metric
from perfkit.record.facts import Better, CustomMetric
from perfkit.record.read import read_runs
from perfkit.report.history_table import format_value
from tests.support import case, edit_records, replay, spoil, write_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from perfkit.history.database import History


@pytest.fixture
def history(history_url: str, tmp_path: Path) -> Iterator[History]:
    assert history_url
    with open_history(tmp_path) as opened:
        yield opened


def replay_beside_queued(record: dict[str, Any]) -> None:
    replay(record)
    record["queued"] = {"reference_s": 4e-3, "variant_s": 2e-3}


def replay_as_before(record: dict[str, Any]) -> None:
    replay_beside_queued(record)
    record["rounds"]["device_by"] = "replayed"


def points(history: History, name: str | None, which: str = str(case())) -> dict[str, list[str]]:
    """The days of each series' points."""
    with history.reading() as connection:
        found = histories_of(connection, find_series(connection, which, name), runs_since(connection, None))
    return {through.series.metric: [point.run.date[8:10] for point in through.points] for through in found}


def test_replayed_device_times_are_series_of_their_own(history: History, tmp_path: Path) -> None:
    write_run(tmp_path, day=1)
    edit_records(write_run(tmp_path, day=2), replay_beside_queued)
    edit_records(write_run(tmp_path, day=3), replay_beside_queued)
    edit_records(write_run(tmp_path, day=4), replay_as_before)
    add_runs(history, map(Entry, read_runs(tmp_path)))
    assert points(history, "device time") == {
        "device time": ["01"],
        "device time (cold)": ["02", "03"],
        "device time (replayed)": ["04"],
    }
    assert points(history, "device speedup (cold)") == {"device speedup (cold)": ["02", "03"]}
    assert points(history, "wall time") == {"wall time": ["01", "02", "03", "04"]}
    assert points(history, "cold_queued_s") == {"cold_queued_s": ["02", "03"]}
    assert points(history, "queued_s") == {"queued_s": ["04"]}
    assert points(history, None) == {"device speedup (cold)": ["02", "03"]}


def test_a_case_that_was_never_replayed_is_shown_by_what_it_has(history: History, tmp_path: Path) -> None:
    edit_records(write_run(tmp_path, day=1), replay, case("trt-int8"))
    add_runs(history, map(Entry, read_runs(tmp_path)))
    assert points(history, None) == {"device speedup": ["01"]}
    assert points(history, None, str(case("trt-int8"))) == {"device speedup (cold)": ["01"]}


def test_a_spoiled_sample_is_no_history_and_keeps_its_verdict(history: History, tmp_path: Path) -> None:
    write_run(tmp_path, day=1)
    edit_records(write_run(tmp_path, day=2), spoil, case())
    first, second = read_runs(tmp_path)
    add_runs(history, [Entry(first), Entry(second, {case(): "INCONCLUSIVE", case("trt-int8"): "PASS"})])
    for name in ("device time", "wall time", "layers", "build_s"):
        assert points(history, name) == {name: ["01"]}
        assert points(history, name, str(case("trt-int8"))) == {name: ["01", "02"]}


def test_every_replayed_device_number_says_so(tmp_path: Path) -> None:
    (run,) = read_runs(edit_records(write_run(tmp_path), replay).parent)
    names = [name for name, _, _ in measured(run.replicate.samples[0])]
    assert names[:4] == ["device speedup (cold)", "wall speedup", "device time (cold)", "wall time"]


def own_metric(**said: Any) -> Callable[[dict[str, Any]], None]:
    """A record with a number of the user's own."""
    told = {"value": 2.5, "unit": "J/img", "better": "lower", "tolerance": 0.1, **said}
    return lambda record: record.update(custom_metrics={"energy": told})


def test_a_users_metric_is_a_series_by_what_is_said_of_it(history: History, tmp_path: Path) -> None:
    """Another unit or direction is another series; its own name means all of them; what has no number isn't there."""
    millijoules = {"value": 2500.0, "unit": "mJ/img"}
    lost = {"value": None, "reason": "no counter"}
    nights: list[dict[str, Any]] = [{}, {"value": 2.0}, millijoules, lost]
    for day, said in enumerate(nights, 1):
        edit_records(write_run(tmp_path, day=day), own_metric(**said), case())
    add_runs(history, map(Entry, read_runs(tmp_path)))
    joules = "energy [J/img, lower is better]"
    assert points(history, "energy") == {joules: ["01", "02"], "energy [mJ/img, lower is better]": ["03"]}
    assert points(history, joules) == {joules: ["01", "02"]}
    with history.reading() as connection:
        (through,) = histories_of(connection, find_series(connection, "*", joules), runs_since(connection, None))
    assert [point.value for point in through.points] == [2.5, 2.0]
    assert points(history, None) == {"device speedup": ["01", "02", "03", "04"]}
    with pytest.raises(UserError, match="no 'energy' of it"):
        points(history, "energy", str(case("trt-int8")))


@pytest.mark.parametrize(
    ("name", "unit"), [("energy", "J/img"), ("a [b], higher is better", "x"), ("%", "[1]"), ("p99_s", "µs, warm")]
)
@pytest.mark.parametrize("better", Better)
def test_a_series_name_says_what_the_user_said(name: str, unit: str, better: Better) -> None:
    """Whatever words are in it, and none is taken for a metric of perfkit's own."""
    series = custom_name(name, CustomMetric(value=1.0, unit=unit, better=better, tolerance=0.1))
    found = declared(series)
    assert found is not None
    assert found.better is better
    assert more_is_better(series) is (better is Better.HIGHER)
    assert (found.name, found.unit) == (name, unit)
    assert is_asked_for(series, name)
    assert is_asked_for(series, series)
    assert not is_asked_for(series, "wall time")
    assert format_value(series, 1234.5) == f"1234.5 {unit}"
    assert declared(str(Metric.WALL_TIME)) is None


@pytest.mark.case("C10")
@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("device speedup (cold)", True),
        ("wall speedup", True),
        ("sqnr_db", True),
        ("device time (cold)", False),
        ("layers", False),
        ("throughput [img/s, higher is better]", True),
        ("energy [J/img, lower is better]", False),
    ],
)
def test_which_way_is_a_gain(metric: str, better: bool) -> None:
    assert more_is_better(metric) == better
