"""perfkit: is the speedup that we ship still there? In Python: docs/python.md."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from perfkit.api import compare, load_baseline, load_run
    from perfkit.errors import UserError
    from perfkit.exit_codes import ExitCode
    from perfkit.frames import to_pandas
    from perfkit.judge.metric import Metric
    from perfkit.judge.verdict import Judgement, Row, Verdict
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run

__all__ = [
    "Baseline",
    "ExitCode",
    "Judgement",
    "Metric",
    "Row",
    "Run",
    "UserError",
    "Verdict",
    "compare",
    "load_baseline",
    "load_run",
    "to_pandas",
]
_HOMES = {
    "Baseline": "record.baseline",
    "ExitCode": "exit_codes",
    "Judgement": "judge.verdict",
    "Metric": "judge.metric",
    "Row": "judge.verdict",
    "Run": "record.replicate",
    "UserError": "errors",
    "Verdict": "judge.verdict",
    "compare": "api",
    "load_baseline": "api",
    "load_run": "api",
    "to_pandas": "frames",
}
"""Imported when they are asked for: every command and every pytest session imports this package first."""


if not TYPE_CHECKING:  # or a checker would believe in every name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
