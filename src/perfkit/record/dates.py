"""Dates as records, baselines and manifests hold them: text in UTC."""

from __future__ import annotations

import datetime as dt


def now() -> str:
    """The moment, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def today() -> dt.date:
    """The day, as waivers count it."""
    return dt.datetime.now(dt.UTC).date()


def moment(text: str) -> dt.datetime | None:
    """A record's date in UTC, which it is without a time zone: pytest-benchmark says none. None for what is no date."""
    try:
        found = dt.datetime.fromisoformat(text)
        return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    except (ValueError, OverflowError):  # the first and the last hours of the calendar are outside of it elsewhere
        return None


def order(text: str) -> tuple[float, str]:
    """What a record's dates are sorted by: the moment, for one may be written in many zones, and then the text.

    What is no date comes before all that are, so that it is never taken for the newest.
    """
    found = moment(text)
    return (float("-inf") if found is None else found.timestamp(), text)


def day(text: str) -> str:
    """A record's day in UTC; what is no date as it is."""
    found = moment(text)
    return text if found is None else found.date().isoformat()
