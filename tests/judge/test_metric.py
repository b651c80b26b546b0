"""Every metric knows which way is better: worse is REGRESSED, better is IMPROVED."""

from __future__ import annotations

import math

import pytest

from perfkit.judge.compare import judge
from perfkit.judge.metric import Clock, Metric, speedup_of, time_of
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import Baseline
from perfkit.record.replicate import Run, Timing
from tests.support import GPU, case, make_run


def run_with(clock: Clock, variant: float, *, day: int) -> Run:
    """Five cases without noise; the variant of one takes `variant` times as long on one clock."""
    times = {case(model=f"model{index}"): (4e-3, 1e-3) for index in range(4)}
    run = make_run({**times, case(): (4e-3, 1e-3)}, day=day, jitter=0.0)
    samples = []
    for sample in run.replicate.samples:
        timing = clock.timing(sample)
        assert timing is not None
        assert timing.log_speedup is not None
        if sample.case == case():
            scaled = Timing(
                **timing.model_dump(exclude={"variant_s", "log_speedup"}),
                variant_s=timing.variant_s * variant,
                log_speedup=timing.log_speedup - math.log(variant),
            )
            sample = sample.model_copy(update={clock.value: scaled})  # noqa: PLW2901
        samples.append(sample)
    replicate = run.replicate.model_copy(update={"samples": samples})
    return run.model_copy(update={"replicate": replicate})


@pytest.mark.case("C10")
@pytest.mark.parametrize(
    ("factor", "verdict"), [(2.0, Verdict.REGRESSED), (0.5, Verdict.IMPROVED), (1.0, Verdict.PASS)]
)
@pytest.mark.parametrize("metric", list(Metric))
def test_direction(metric: Metric, factor: float, verdict: Verdict) -> None:
    nights = tuple(run_with(metric.clock, 1.0, day=day).replicate for day in (1, 2, 3))
    judgement = judge(Baseline("b", GPU, nights), [run_with(metric.clock, factor, day=4)])
    (row,) = [row for row in judgement.rows if row.case == case()]
    judged = row.metric(metric)
    assert judged is not None
    assert judged.verdict is verdict
    assert judged.change_pct is not None
    more = 100 * (1 / factor - 1) if metric.is_speedup else 100 * (factor - 1)
    assert judged.change_pct == pytest.approx(more)


def test_clocks_have_a_speedup_and_a_time_each() -> None:
    assert {speedup_of(clock) for clock in Clock} | {time_of(clock) for clock in Clock} == {*Metric}
    assert all(speedup_of(clock).clock is time_of(clock).clock is clock for clock in Clock)
