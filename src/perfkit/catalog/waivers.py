"""The project's waivers: regressions that somebody accepts by name, up to a size and until a day."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from perfkit.catalog.config import MetricName
from perfkit.errors import UserError
from perfkit.untrusted import read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.catalog.case import CaseId

WAIVER_FILE = "perfkit-waivers.toml"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|s|ms|us|µs|ns)")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_METRICS: tuple[str, ...] = get_args(MetricName)


@dataclass(frozen=True, slots=True)
class Size:
    """How much slower is allowed: percent more time, or seconds of it; one of the two is None."""

    text: str
    percent: float | None = None
    seconds: float | None = None

    def __str__(self) -> str:
        return self.text


def _size(value: object) -> Size:
    if isinstance(value, int | float) and not isinstance(value, bool):
        told = f'{value} has no unit: write "{value}%" for a share or "{value} ms" for a time'
        raise ValueError(told)  # noqa: TRY004 - pydantic names the key of a ValueError and lets a TypeError through
    text = value.strip() if isinstance(value, str) else ""
    found = _SIZE.fullmatch(text)
    if found is None or math.isinf(float(found[1])):
        raise ValueError(f'{value!r} is no size: write a number with its unit, as in "8%" or "0.3 ms"')
    number, unit = float(found[1]), found[2]
    if number <= 0:
        raise ValueError(f"{value!r} allows nothing: leave the waiver out")
    if unit == "%":
        return Size(text, percent=number)
    return Size(text, seconds=number * _SECONDS[unit])


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Waiver(BaseModel):
    """One ``[[waiver]]``; globs are of MODEL/VARIANT/SHAPE and of the metrics' names."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    case: _Text
    metric: _Text
    size: Annotated[Size, BeforeValidator(_size)]
    owner: _Text
    reason: _Text
    expires: dt.date = Field(description="the last day on which it counts")
    number: int = 0

    @model_validator(mode="after")
    def _fits(self) -> Waiver:
        covered = [metric for metric in _METRICS if self.covers(metric)]
        if not covered:
            raise ValueError(f"metric {self.metric!r} is none of {', '.join(_METRICS)}; a glob as 'device *' will do")
        speedups = [metric for metric in covered if metric.endswith("speedup")]
        if self.size.seconds is not None and speedups:
            raise ValueError(f"size {str(self.size)!r} fits times alone: write a percent for {speedups[0]!r}")
        return self

    def matches(self, case: CaseId) -> bool:
        """Whether its glob selects the case."""
        return case.fits(self.case)

    def covers(self, metric: str) -> bool:
        """Whether it is of that metric."""
        return fnmatchcase(metric, self.metric)

    def is_over(self, day: dt.date) -> bool:
        """Whether its last day has passed."""
        return day > self.expires

    @property
    def name(self) -> str:
        """How messages name it: ``waiver 2 (ana, resnet50/*)``."""
        return f"waiver {self.number} ({self.owner}, {self.case})"


def load_waivers(root: Path) -> tuple[Waiver, ...]:
    """The waivers of a project's folder, in the order of their file; none where there is no file.

    Raises UserError naming file, entry and key for what can't be read.
    """
    path = root / WAIVER_FILE
    if not path.exists():
        return ()
    tables = read_toml(path)
    others = sorted(tables.keys() - {"waiver"})
    if others:
        raise UserError(f"{WAIVER_FILE}: unknown key {others[0]!r}; entries are [[waiver]]")
    entries = tables.get("waiver", [])
    if not isinstance(entries, list):
        raise UserError(f"{WAIVER_FILE}: waiver: should be a list of tables; write [[waiver]]")
    return tuple(_waiver(number, entry) for number, entry in enumerate(entries, start=1))


def _waiver(number: int, entry: Any) -> Waiver:
    where = f"{WAIVER_FILE}: waiver {number}"
    if not isinstance(entry, dict):
        raise UserError(f"{where}: should be a table; write [[waiver]]")
    if "number" in entry:
        raise UserError(f"{where}: number: unknown key")
    try:
        return Waiver.model_validate({**entry, "number": number})
    except ValidationError as error:
        first, *others = error.errors(include_url=False)
        key = ".".join(str(part) for part in first["loc"])
        told = {"missing": "is missing", "extra_forbidden": "unknown key"}.get(first["type"])
        message = told or first["msg"].removeprefix("Value error, ")
        more = f" (and {len(others)} more)" if others else ""
        raise UserError(f"{where}: {key + ': ' if key else ''}{message}{more}") from None
