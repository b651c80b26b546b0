"""What a report of the history is made of, and which formats show it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from perfkit.errors import UserError
from perfkit.report.exporter import Format, check_format

if TYPE_CHECKING:
    from perfkit.history.overview import Overview, SeriesThrough

_MODULES = {
    Format.TERMINAL: "trend.terminal",
    Format.MARKDOWN: "trend.markdown",
    Format.HTML: "html.trend_page",
}


@dataclass(frozen=True, slots=True)
class TrendReport:
    """All that a format may show: the series that were asked for, one at least, and how they were."""

    overview: Overview
    asked: str
    """The options that chose them, for the head of the report."""

    @property
    def summary(self) -> str:
        """One line: how many series, which nights, how they came out."""
        nights, series = self.overview.nights, self.overview.series
        counts: dict[str, int] = {}
        for one in series:
            counts[one.state] = counts.get(one.state, 0) + 1
        told = ", ".join(f"{count} {state}" for state, count in counts.items())
        first, last = nights[0].day, nights[-1].day
        return f"{_count(len(series), 'series', 'series')} in {_count(len(nights), 'night')}, {first} to {last}: {told}"

    @property
    def turned(self) -> list[SeriesThrough]:
        """Whose cases fail in the newest night and didn't before."""
        return [one for one in self.overview.series if one.has_turned]

    @property
    def new(self) -> list[SeriesThrough]:
        """Whose cases were measured in the newest night for the first time."""
        return [one for one in self.overview.series if one.is_new]


class TrendExporter(Protocol):
    """What the file of each format has under the name ``export``."""

    def __call__(self, report: TrendReport, /) -> bytes:
        """The whole file. Names in the report may hold anything; numbers are finite."""
        ...


def load_trend_exporter(form: Format) -> TrendExporter:
    """The format's exporter. Raises UserError for a format that shows no history, or whose library isn't installed."""
    if form not in _MODULES:
        raise UserError(
            f"--trend is shown as {', '.join(_MODULES)}, not as {form}; for programs: perfkit trends --json, "
            "perfkit history --csv, --json or --parquet"
        )
    check_format(form)
    return cast("TrendExporter", import_module(f"perfkit.report.{_MODULES[form]}").export)


def _count(number: int, word: str, words: str = "") -> str:
    return f"{number} {word if number == 1 else words or word + 's'}"
