"""The interface of all formats: an exporter turns a report into bytes and knows nothing of where they go.

To add one: a file with ``export(report) -> bytes``, and its line here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

from perfkit.errors import UserError
from perfkit.report.past import Past

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement
    from perfkit.record.baseline import Baseline
    from perfkit.record.details import Details
    from perfkit.record.replicate import Run


@dataclass(frozen=True, slots=True)
class Report:
    """All that a format may show. The verdicts are the judgement's; the rest is what it was made of."""

    judgement: Judgement
    runs: tuple[Run, ...] = ()
    baseline: Baseline | None = None
    details: tuple[Details, ...] = ()
    """Rounds and facts of the run, replicate by replicate, as far as its files have them; see DETAILED."""
    baseline_details: tuple[Details, ...] = ()
    """The same of a baseline that was given as run files; a baseline file holds no rounds."""
    past: Past = field(default_factory=Past)
    """The cases through the nights, where a format shows that; see PAST."""


class Format(StrEnum):
    """What ``perfkit report`` can write."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    JUNIT = "junit"
    CSV = "csv"
    PARQUET = "parquet"
    GITHUB_ANNOTATIONS = "github-annotations"
    OPENMETRICS = "openmetrics"
    BENCHMARK_TIMES = "github-action-benchmark-times"
    BENCHMARK_SPEEDUPS = "github-action-benchmark-speedups"
    BENCHER = "bencher"


class Exporter(Protocol):
    """What each format's file has under the name ``export``."""

    def __call__(self, report: Report, /) -> bytes:
        """The whole file. Names and messages in the report may hold anything; numbers are finite."""
        ...


_MODULES = {
    Format.TERMINAL: "terminal",
    Format.MARKDOWN: "markdown",
    Format.HTML: "html.page",
    Format.JSON: "json_",
    Format.JUNIT: "junit",
    Format.CSV: "csv_",
    Format.PARQUET: "parquet",
    Format.GITHUB_ANNOTATIONS: "annotations",
    Format.OPENMETRICS: "openmetrics",
    Format.BENCHMARK_TIMES: "action_benchmark_times",
    Format.BENCHMARK_SPEEDUPS: "action_benchmark_speedups",
    Format.BENCHER: "bencher",
}
_NEEDS = {
    Format.HTML: ("report", ("altair", "jinja2", "vl_convert")),
    Format.PARQUET: ("parquet", ("pyarrow",)),
}
"""The extra that brings a format's libraries, and their modules."""
PAST = frozenset({Format.HTML})
"""Shows the history of the run's cases, where there is one."""
DETAILED = frozenset({Format.HTML})
"""Shows what judging leaves out: rounds, whole facts, the machine's state."""
BINARY = frozenset({Format.PARQUET})
"""No text: nothing for a terminal."""


def check_format(form: Format) -> None:
    """Raises UserError where a library of the format isn't installed. Imports none of them."""
    extra, modules = _NEEDS.get(form, ("", ()))
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        raise UserError(f"the format {form} needs {', '.join(absent)}: pip install 'perfkit[{extra}]'")


def load_exporter(form: Format) -> Exporter:
    """The format's exporter; its libraries are imported now. Raises UserError where one isn't installed."""
    check_format(form)
    return cast("Exporter", import_module(f"perfkit.report.{_MODULES[form]}").export)
