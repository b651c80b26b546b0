"""One judgement with every kind of row, for whole expected reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.waivers import Waiver
from perfkit.judge.anchors import anchors_of
from perfkit.judge.compare import judge
from perfkit.record.baseline import Baseline
from perfkit.record.schema import Outcome, Status
from tests.support import GPU, case, make_run, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement

ODD = case(model="mod|el`<b>\x1b[31m\u202e", variant="trt-fp16")


def every_kind() -> Judgement:
    """REGRESSED, IMPROVED, PASS, NEW, MISSING, BROKEN, skipped, suspects and an odd name."""
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
    run = make_run(
        {c: pair for c, pair in after.items() if c not in (missing, broken)},
        day=9,
        outcomes=outcomes,
        software={"torch": "2.12.0", "driver": "580.1"},
    )
    return judge(Baseline("results/baselines/made-up.json", GPU, nights), [run])


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
