"""What the history has of a run's cases, for the report of the run itself. Where there is none, that is no fault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.credentials import without_credentials
from perfkit.errors import UserError
from perfkit.history.location import needed_url

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from perfkit.catalog.case import CaseId
    from perfkit.history.overview import Overview


@dataclass(frozen=True, slots=True)
class Past:
    """The series of some cases on one hardware, each by what it is judged by; or why there are none."""

    overview: Overview | None = None
    why: str = "it wasn't asked for"


def read_past(cases: Collection[CaseId], hardware: str, results: Path) -> Past:
    """Of the history that belongs to `results`; `hardware` is what ``describe_hardware`` says of the run's."""
    try:
        needed_url(results)
        # The history's libraries are heavy: they are for who has one, and most formats don't ask.
        from perfkit.history.database import open_existing_history
        from perfkit.history.overview import read_overview
        from perfkit.history.series import find_series

        with open_existing_history(results) as history, history.reading() as connection:
            series = find_series(connection, "*", None)
            own = [one for one in series if one.hardware == hardware and one.case in cases]
            overview = read_overview(connection, own, None)
    except UserError as error:
        return Past(why=without_credentials(str(error)))
    return Past(overview) if overview.series else Past(why="it has none of these cases on this hardware")
