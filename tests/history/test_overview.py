"""What the history has all at once: levels night by night, changes, newcomers, and who began to fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perfkit.history.add import Entry, add_runs
from perfkit.history.database import History, open_history
from perfkit.history.overview import Overview, SeriesThrough, State, read_overview
from perfkit.history.series import find_series
from perfkit.judge.verdict import Verdict
from tests.support import CPU, case, make_run, slowed, usual_times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.catalog.case import CaseId

SLOWER, NEWCOMER = case("trt-int8"), case(model="vgg16")
LATE, STILL = case("trt-fp16", "mobilenet_v2"), case("trt-int8", "mobilenet_v2")
NIGHTS = 14


@pytest.fixture
def history(history_url: str) -> Iterator[History]:
    assert history_url
    with open_history(Path("nowhere")) as opened:
        yield opened


@pytest.fixture
def kept(history: History) -> History:
    """Fourteen nights; after the seventh one case is slower, in the last one another is there for the first time."""
    entries = []
    for day in range(1, NIGHTS + 1):
        times = usual_times() if day <= 7 else slowed(usual_times(), SLOWER, 1.2)
        if day == NIGHTS:
            times = {**times, NEWCOMER: (9e-3, 2e-3)}
        verdicts = {SLOWER: "REGRESSED"} if day in (8, 9) else {}
        verdicts |= {STILL: "REGRESSED"} if day >= NIGHTS - 1 else {}
        verdicts |= {LATE: "BROKEN", case(): "PASS"} if day == NIGHTS else {}
        entries.append(Entry(make_run(times, day=day), verdicts))
    add_runs(history, entries)
    return history


def overview(history: History, metric: str | None = None, since_s: int | None = None) -> Overview:
    with history.reading() as connection:
        return read_overview(connection, find_series(connection, "*", metric), since_s)


def of(found: Overview, which: CaseId) -> SeriesThrough:
    (one,) = [each for each in found.series if each.series.case == which]
    return one


def test_a_series_has_its_nights_and_its_changes(kept: History) -> None:
    found = overview(kept)
    assert [night.date[:10] for night in found.nights] == [f"2030-01-{day:02d}" for day in range(1, NIGHTS + 1)]
    one = of(found, SLOWER)
    assert list(one.nights) == list(range(NIGHTS))
    assert one.values[0] == pytest.approx(5.0, rel=0.01)
    assert one.values[-1] == pytest.approx(5.0 / 1.2, rel=0.01)
    (trend,) = one.trends
    assert (trend.date, trend.worse, one.state) == ("2030-01-08", True, State.WORSE)
    assert dict(one.failing) == {7: Verdict.REGRESSED, 8: Verdict.REGRESSED}
    assert not one.has_turned
    assert found.trends == [trend]
    assert of(found, case()).state is State.STEADY
    assert not of(found, case()).failing  # PASS is no failure


def test_who_is_new_and_who_began_to_fail_tonight(kept: History) -> None:
    found = overview(kept)
    assert [one.series.case for one in found.series if one.is_new] == [NEWCOMER]
    assert of(found, NEWCOMER).state is State.NEW
    assert [one.series.case for one in found.series if one.has_turned] == [LATE]
    assert list(of(found, STILL).failing) == [NIGHTS - 2, NIGHTS - 1]  # no news any more
    # What fails tonight stands first, then what got worse, then what is new.
    assert [one.series.case for one in found.series[:3]] == [LATE, SLOWER, NEWCOMER]


def test_a_metric_of_an_old_case_is_no_newcomer(history: History) -> None:
    """The night in which device times began to be replayed begins a series, and no case."""
    first = make_run(day=1)
    second = make_run({**usual_times(), NEWCOMER: (9e-3, 2e-3)}, day=2)
    samples = [
        sample.model_copy(update={"comparability": {**sample.comparability, "device_by": "replayed"}})
        for sample in second.replicate.samples
    ]
    replayed = second.model_copy(update={"replicate": second.replicate.model_copy(update={"samples": samples})})
    add_runs(history, [Entry(first), Entry(replayed)])
    assert {one.series.case for one in overview(history).series if one.is_new} == {NEWCOMER}


def test_the_first_night_of_a_machine_brings_no_newcomers(kept: History) -> None:
    add_runs(kept, [Entry(make_run(usual_times(), day=20, hardware=CPU))])
    assert [one.series.case for one in overview(kept).series if one.is_new] == [NEWCOMER]  # by its own machine's night


def test_since_shortens_and_makes_nothing_new(kept: History) -> None:
    add_runs(kept, [Entry(make_run({**usual_times(), NEWCOMER: (9e-3, 2e-3)}, day=day)) for day in (15, 16)])
    at_s = overview(kept).nights[-2].at_s
    found = overview(kept, since_s=at_s)
    assert len(found.nights) == 2
    assert not any(one.is_new for one in found.series)
    assert overview(kept, since_s=at_s + 10**7).series == []


def test_replicates_of_a_night_are_one_number(history: History) -> None:
    runs = [make_run({case(): (4e-3, variant_s)}, day=1, jitter=1e-9) for variant_s in (1e-3, 2e-3)]
    add_runs(history, map(Entry, runs))
    (one,) = overview(history, "device time").series
    assert list(one.values) == pytest.approx([1.5e-3], rel=1e-6)
