"""The top of the page: how it came out, on what machine, with what software, and the matrix of models and variants."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from perfkit.judge.metric import Metric
from perfkit.judge.verdict import FindingKind, Verdict
from perfkit.record.replicate import by_date
from perfkit.report.html.links import anchor
from perfkit.report.table import SYMBOLS, by_model
from perfkit.report.units import NOTHING, format_speedup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.judge.verdict import Row
    from perfkit.report.exporter import Report

_STEPS = (0.67, 0.9, 1.1, 1.5, 2.0, 3.0, 5.0, 8.0)
"""Speedups at which the colour changes; between the second and the third there is none."""


class Cell(NamedTuple):
    """One case in the matrix."""

    link: str
    shape: str
    symbol: str
    verdict: Verdict
    speedup: str
    level: int
    """Of its colour: 0 the slowest, 2 as fast as eager, 8 the fastest."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Models down, variants across; a field has the model's cases of the variant, one a shape."""

    clock: str
    variants: tuple[str, ...]
    models: tuple[tuple[str, tuple[tuple[Cell, ...], ...]], ...]


class Reading(NamedTuple):
    """What a sensor said before and after each replicate."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first screen says."""

    matrix: Matrix
    noise_floor: str
    incomplete: tuple[str, ...]
    findings: tuple[tuple[str, str], ...]
    software: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    replicates: tuple[str, ...]
    readings: tuple[Reading, ...]


def overview_of(report: Report) -> Overview:
    """From the judgement, and from the newest replicate where software is told."""
    findings = report.judgement.findings
    noise = [finding.text for finding in findings if finding.kind is FindingKind.NOISE_FLOOR]
    apart = (FindingKind.NOISE_FLOOR, FindingKind.INCOMPLETE)
    newest = max((run.replicate for run in report.runs), key=by_date, default=None)
    return Overview(
        matrix=_matrix(report.judgement.rows),
        noise_floor=noise[0] if noise else "not known: no case of eager-fp32 against itself was measured",
        incomplete=tuple(finding.text for finding in findings if finding.kind is FindingKind.INCOMPLETE),
        findings=tuple((str(finding.kind), finding.text) for finding in findings if finding.kind not in apart),
        software=tuple(sorted(newest.software.items())) if newest else (),
        settings=tuple(sorted(newest.settings.items())) if newest else (),
        replicates=tuple(details.source for details in report.details if details.machine_state),
        readings=_readings(report),
    )


def speed_metric(rows: Sequence[Row]) -> Metric:
    """The device's speedup where any case has one, else the wall clock's."""
    has_device = any(row.metric(Metric.DEVICE_SPEEDUP) for row in rows)
    return Metric.DEVICE_SPEEDUP if has_device else Metric.WALL_SPEEDUP


def _matrix(rows: Sequence[Row]) -> Matrix:
    metric = speed_metric(rows)
    variants = tuple(sorted({row.variant for row in rows}))
    return Matrix(
        clock=str(metric),
        variants=variants,
        models=tuple(
            (
                model,
                tuple(
                    tuple(_cell(row, metric) for row in sorted(of_model, key=_size) if row.variant == variant)
                    for variant in variants
                ),
            )
            for model, of_model in by_model(rows).items()
        ),
    )


def _cell(row: Row, metric: Metric) -> Cell:
    found = row.metric(metric)
    speedup = None if found is None else found.current
    return Cell(
        link=anchor(row.case),
        shape=row.shape,
        symbol=SYMBOLS[row.verdict],
        verdict=row.verdict,
        speedup=NOTHING if speedup is None else format_speedup(speedup),
        level=2 if speedup is None else bisect(_STEPS, speedup),
    )


def _size(row: Row) -> tuple[int, str]:
    return len(row.shape), row.shape


def _readings(report: Report) -> tuple[Reading, ...]:
    states = [details.machine_state for details in report.details if details.machine_state]
    names = sorted({key.removeprefix("start_").removeprefix("end_") for state in states for key in state})
    return tuple(
        Reading(name, tuple(f"{_text(s.get(f'start_{name}'))} → {_text(s.get(f'end_{name}'))}" for s in states))
        for name in names
    )


def _text(value: object) -> str:
    return NOTHING if value is None else str(value)
