from __future__ import annotations

import datetime as dt

import pytest

from perfkit.record.dates import day, moment, now, order, today


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2030-01-09T02:14:09+00:00", 2), ("2030-01-09T02:14:09", 2), ("2030-01-09T02:14:09.120331+02:00", 0)],
)
def test_a_date_without_a_zone_is_utc(text: str, hour: int) -> None:
    found = moment(text)
    assert found is not None
    assert found.astimezone(dt.UTC).hour == hour


def test_what_is_no_date_is_none() -> None:
    assert moment("tonight") is None
    assert moment("0001-01-01T00:00:00+14:00") is None
    assert moment("9999-12-31T23:59:59-14:00") is None
    assert moment(now()) is not None
    assert (dt.datetime.now(dt.UTC).date() - today()).days in (0, 1)


def test_a_day_is_that_of_utc() -> None:
    assert day("2030-01-09T01:14:09+02:00") == "2030-01-08"
    assert day("2030-01-09T02:14:09") == "2030-01-09"
    assert day("tonight") == "tonight"


def test_the_order_is_that_of_moments() -> None:
    dates = ["tonight", "", "2030-01-08T23:30:00+02:00", "2030-01-08T21:30:00.5", "2030-01-08T22:00:00+00:00"]
    assert sorted(dates, key=order) == ["", "tonight", *dates[2:]]
