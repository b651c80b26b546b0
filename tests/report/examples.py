"""One judgement with every kind of row, for whole expected reports."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from perfkit.catalog.waivers import Waiver
from perfkit.judge.anchors import anchors_of
from perfkit.judge.compare import judge
from perfkit.record.baseline import Baseline
from perfkit.record.details import details_from_json
from perfkit.record.read import run_from_json
from perfkit.record.replicate import rounded
from perfkit.record.schema import Outcome, Status
from perfkit.report.exporter import Report
from tests.support import GPU, case, make_run, run_data, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement

ODD = case(model="mod|el`<b>\x1b[31m\u202e", variant="trt-fp16")


def every_kind() -> Judgement:
    """REGRESSED, IMPROVED, PASS, NEW, MISSING, BROKEN, skipped, suspects and an odd name."""
    return whole_report().judgement


def whole_report() -> Report:
    """The same with all that it was made of."""
    missing, broken = case("trt-fp16", "mobilenet_v2"), case("trt-int8", "mobilenet_v2")
    before = usual_times() | {ODD: (4e-3, 1e-3)}
    nights = tuple(make_run(before, day=day).replicate for day in (1, 2, 3))
    after = slowed(before, case("trt-int8"), 1.3)
    after = slowed(after, case("trt-fp16", shape="8x3x224x224"), 0.7)
    after |= {case(model="vgg16"): (9e-3, 2e-3)}
    outcomes = (
        Outcome(**missing._asdict(), status=Status.NOT_RUN, reason="deselected"),
        Outcome(**broken._asdict(), status=Status.BROKEN, reason="cosine 0.21 is under\nthe bound"),
        Outcome(**case("eager-bf16")._asdict(), status=Status.SKIPPED, reason="the CPU lacks bf16"),
    )
    data = run_data(
        {c: pair for c, pair in after.items() if c not in (missing, broken)},
        day=9,
        outcomes=outcomes,
        software={"torch": "2.12.0", "driver": "580.1"},
        machine_state={"start_cpu_mhz": 2100, "end_cpu_mhz": 2050},
    )
    return report_of([data], Baseline("results/baselines/made-up.json", GPU, nights))


def rounded_numbers(report: Report) -> Report:
    """With six digits: the last bits of a sum differ between versions of Python, and golden files may not."""
    rows = [
        row.model_copy(
            update={
                "detectable_pct": _six(row.detectable_pct),
                "metrics": tuple(
                    metric.model_copy(update={k: _six(v) for k, v in metric if isinstance(v, float)})
                    for metric in row.metrics
                ),
            }
        )
        for row in report.judgement.rows
    ]
    return replace(report, judgement=report.judgement.model_copy(update={"rows": tuple(rows)}))


def _six(value: float | None) -> float | None:
    return None if value is None else rounded(value)


def report_of(runs: list[dict[str, Any]], baseline: Baseline | None) -> Report:
    """What ``perfkit report`` makes of run files with this content."""
    read = [run_from_json(data, "made-up.json") for data in runs]
    return Report(
        judgement=judge(baseline, read),
        runs=tuple(read),
        baseline=baseline,
        details=tuple(details_from_json(data, "made-up.json") for data in runs),
    )


def waived() -> Judgement:
    """A WAIVED case, one whose waiver allows less, and one that has drifted from its anchor."""
    wide, narrow, drifted = case("trt-int8"), case("trt-fp16"), case("trt-fp16", "mobilenet_v2")
    first = tuple(make_run(day=day).replicate for day in (1, 2, 3))
    anchors = tuple(anchors_of(Baseline("first", GPU, first)))
    before = slowed(usual_times(), drifted, 1.1)
    nights = tuple(make_run(before, day=day).replicate for day in (4, 5, 6))
    run = make_run(slowed(slowed(slowed(before, wide, 1.08), narrow, 1.2), drifted, 1.012), day=9)
    entry = {"metric": "*", "owner": "ana", "reason": "new kernel | March", "expires": "2030-03-01"}
    waivers = [
        Waiver.model_validate(entry | {"case": str(wide), "size": "9%", "number": 1}),
        Waiver.model_validate(entry | {"case": str(narrow), "size": "0.2 ms", "metric": "* time", "number": 2}),
    ]
    return judge(Baseline("results/baselines/made-up.json", GPU, nights, anchors=anchors), [run], waivers=waivers)


def first_run() -> Judgement:
    """Nothing to compare with."""
    return judge(None, [make_run({case(): (4e-3, 1e-3), case("trt-int8"): (4e-3, 7e-4)})])
