"""What the charts draw, as plain lists; times in milliseconds with four digits, more than a picture shows."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from perfkit.judge.metric import Clock, Metric, time_of
from perfkit.report.html.links import anchor, name_of
from perfkit.report.html.overview import speed_metric
from perfkit.report.html.pareto import pareto_front
from perfkit.report.html.roofline import times_the_roofline
from perfkit.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perfkit.judge.verdict import Row
    from perfkit.record.details import Details
    from perfkit.record.replicate import Sample
    from perfkit.record.schema import CaseRecord
    from perfkit.report.exporter import Report

MOST_TIMES = 200_000
"""Times in one page, some 1.5 MB of it. Beyond, every second, third, ... round is left out, and the page says so."""
_MEBI = 2**20
_SHAPE = re.compile(r"[0-9]{1,9}(x[0-9]{1,9}){0,7}")
"""A text may hold more digits than Python converts."""


def model_points(report: Report) -> dict[str, list[dict[str, Any]]]:
    """For each model, under the id of its section: one point a case that was measured, and who is on the front.

    The clock is the one that the speedups of the matrix have. A model's other profiles (``model@profile``) are its
    points too.
    """
    rows = report.judgement.rows
    metric, hardware = speed_metric(rows), report.runs[0].hardware.name if report.runs else ""
    samples = {sample.case: sample for run in report.runs for sample in run.replicate.samples}
    models: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        time = row.metric(time_of(metric.clock))
        if time is not None and time.current is not None:
            model, _, profile = row.model.partition("@")
            point = _point(row, samples.get(row.case), metric, hardware)
            models[name_of("m", model)].append({**point, "ms": time.current * 1e3, "profile": printable(profile)})
    for points in models.values():
        points.sort(key=lambda point: (point["variant"], point["profile"], point["elements"] or 0))
        _mark_front(points)
    return dict(models)


def case_points(report: Report) -> tuple[dict[str, Any], int]:
    """For each case, under the id of its section, rounds and medians; and that only every n-th round is there."""
    sides = [("run", report.details), ("baseline", report.baseline_details)]
    total = sum(_count(details) for _, found in sides for details in found)
    step = max(1, math.ceil(total / MOST_TIMES))
    cases: dict[str, dict[str, Any]] = defaultdict(lambda: {"series": [], "medians": []})
    for side, found in sides:
        for number, details in enumerate(found, 1):
            for case, record in details.records.items():
                cases[anchor(case)]["series"] += _series(record, f"{side} {number}", step)
            for case, times_s in details.plain_s.items():
                cases[anchor(case)]["series"].append(_one(f"{side} {number}", Clock.WALL, "variant", times_s, step))
    if not report.baseline_details and report.baseline is not None:
        for number, replicate in enumerate(report.baseline.replicates, 1):
            for sample in replicate.samples:
                cases[anchor(sample.case)]["medians"] += _medians(sample, f"baseline {number}")
    for drawn in cases.values():
        drawn["clocks"] = _clocks(drawn)
    return dict(cases), step


def _clocks(found: dict[str, Any]) -> dict[str, bool]:
    """The clocks that anything is known of, and whether the run's own rounds are."""
    told = {one["clock"] for one in found["series"]} | {clock for _, clock, *_ in found["medians"]}
    ran = {one["clock"] for one in found["series"] if one["replicate"].startswith("run")}
    return {str(clock): clock in ran for clock in Clock if clock in told}


def _point(row: Row, sample: Sample | None, metric: Metric, hardware: str) -> dict[str, Any]:
    speedup = row.metric(metric)
    facts, costs = (sample.facts, sample.costs) if sample is not None else ({}, {})
    agreement = sample.agreement if sample is not None else None
    return {
        "link": anchor(row.case),
        "variant": printable(row.variant),
        "shape": printable(row.shape),
        "elements": _elements(row.shape),
        "speedup": None if speedup is None else speedup.current,
        "sqnr_db": None if agreement is None else agreement.sqnr_db_min,
        "cosine": None if agreement is None else agreement.cosine_min,
        "roofline": times_the_roofline(row, sample, hardware),
        "engine_mib": _mebi(facts.get("engine_bytes")),
        "activation_mib": _mebi(facts.get("activation_bytes")),
        "call_mib": _mebi(costs.get("call_bytes")),
        "front": False,
    }


def _mark_front(points: Sequence[dict[str, Any]]) -> None:
    """Of each shape by itself: a larger picture is slower whatever the variant."""
    shapes = defaultdict(list)
    for point in points:
        if point["speedup"] is not None and point["sqnr_db"] is not None:
            shapes[point["shape"]].append(point)
    for found in shapes.values():
        for index in pareto_front([(point["speedup"], point["sqnr_db"]) for point in found]):
            found[index]["front"] = True


def _elements(shape: str) -> int | None:
    """How many numbers an input of the shape has: what latencies are drawn over. None for what is no shape."""
    return math.prod(map(int, shape.split("x"))) if _SHAPE.fullmatch(shape) else None


def _mebi(value: object) -> float | None:
    return round(value / _MEBI, 3) if isinstance(value, int | float) else None


def _count(details: Details) -> int:
    paired = sum(len(record.rounds.order) * 4 for record in details.records.values())
    return paired + sum(map(len, details.plain_s.values()))


def _series(record: CaseRecord, replicate: str, step: int) -> Iterator[dict[str, Any]]:
    rounds, marks = record.rounds, _marks(record)
    for clock, side, times_s in (
        (Clock.DEVICE, "variant", rounds.variant_device_s),
        (Clock.DEVICE, "reference", rounds.reference_device_s),
        (Clock.WALL, "variant", rounds.variant_wall_s),
        (Clock.WALL, "reference", rounds.reference_wall_s),
    ):
        if times_s is not None:
            yield {**_one(replicate, clock, side, times_s, step), **marks}


def _marks(record: CaseRecord) -> dict[str, list[int]]:
    """The rounds that were disturbed, by their numbers from 1: left out of the times, or among them where all are.

    Nothing of records that don't say which they were.
    """
    found = record.conditions
    if found is None or not found.disturbed_rounds:
        return {}
    return {"disturbed" if found.spoiled else "left_out": [place + 1 for place in found.disturbed_rounds]}


def _one(replicate: str, clock: Clock, side: str, times_s: Sequence[float], step: int) -> dict[str, Any]:
    return {"replicate": replicate, "clock": str(clock), "side": side, "ms": [_ms(t) for t in times_s[::step]]}


def _medians(sample: Sample, replicate: str) -> Iterator[list[Any]]:
    """A baseline replicate's median and one standard error to each side, which is all that its file keeps.

    Replicate, clock, median, lower and upper end: of 500 cases the names of the keys alone would be a quarter MB.
    """
    for clock in Clock:
        timing = clock.timing(sample)
        if timing is not None:
            error = math.exp(timing.variant_se or 0.0)
            ends = (timing.variant_s, timing.variant_s / error, timing.variant_s * error)
            yield [replicate, str(clock), *map(_ms, ends)]


def _ms(time_s: float) -> float:
    return float(f"{time_s * 1e3:.4g}")


def sections(rows: Sequence[Row]) -> dict[str, str]:
    """The id of each model's section and its name, in the order of the rows; profiles of a model share one."""
    names = dict.fromkeys(row.model.partition("@")[0] for row in rows)
    return {name_of("m", name): name for name in names}
