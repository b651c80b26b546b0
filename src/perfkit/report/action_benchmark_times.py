"""Times for github-action-benchmark, whose tool is ``customSmallerIsBetter``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.action_benchmark import entries

if TYPE_CHECKING:
    from perfkit.report.exporter import Report


def export(report: Report) -> bytes:
    """Wall and device times in milliseconds."""
    return entries(report.judgement, speedups=False, unit="ms", scale=1e3)
