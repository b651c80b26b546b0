"""``--since``: a date, or how long ago."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated

import typer

from perfkit.errors import UserError

_AGO = re.compile(r"(\d{1,5})([dw])")
_DAYS = {"d": 1, "w": 7}

SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="D", help="From this day on, UTC: 2026-01-31, or 90d or 12w ago.  [default: all]"),
]


def since_s(text: str | None) -> int | None:
    """The moment as seconds since 1970, UTC; None for none.

    Raises UserError for what is neither a date nor so many days or weeks.
    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        start = dt.datetime.now(dt.UTC) - dt.timedelta(days=int(ago[1]) * _DAYS[ago[2]])
        return int(start.timestamp())
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise UserError(f"--since {text!r}: give a date (2026-01-31), days (90d) or weeks (12w)") from None
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
