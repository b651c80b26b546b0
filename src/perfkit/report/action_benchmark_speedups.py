"""Speedups for github-action-benchmark, whose tool is ``customBiggerIsBetter``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.report.action_benchmark import entries

if TYPE_CHECKING:
    from perfkit.report.exporter import Report


def export(report: Report) -> bytes:
    """Wall and device speedups as factors."""
    return entries(report.judgement, speedups=True, unit="x")
