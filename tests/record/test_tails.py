"""What a median leaves out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfkit.judge.compare import judge
from perfkit.judge.verdict import FindingKind
from perfkit.record.read import run_from_json
from perfkit.record.sample import tail_of
from tests.judge.helpers import HURT, baseline_of, row_of, usual_baseline
from tests.support import benchmark_of, make_run, run_data

times = st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=200)


@given(times)
def test_percentiles_are_times_that_were_measured_and_in_order(times_s: list[float]) -> None:
    tail = tail_of(times_s)
    assert {tail.p95_s, tail.p99_s} <= set(times_s)
    assert tail.p95_s <= tail.p99_s <= tail.max_s == max(times_s)
    assert sum(time_s > tail.p95_s for time_s in times_s) <= 0.05 * len(times_s)


def test_the_tail_of_a_hundred_rounds() -> None:
    tail = tail_of([1e-3] * 94 + [1.5e-3] * 3 + [2.5e-3] * 2 + [4e-3])
    assert (tail.p95_s, tail.p99_s, tail.max_s, tail.spikes) == (1.5e-3, 2.5e-3, 4e-3, 3)


def test_spikes_are_told_once_and_move_nothing() -> None:
    data = run_data(day=9)
    benchmark = benchmark_of(data, HURT)
    rounds = benchmark["extra_info"]["perfkit"]["rounds"]["variant_wall_s"]
    rounds[3] *= 7
    benchmark["stats"]["max"] = rounds[3]
    judgement = judge(usual_baseline(), [run_from_json(data, "run")])
    plain = judge(usual_baseline(), [make_run(day=9)])
    (finding,) = [finding for finding in judgement.findings if finding.kind is FindingKind.TAILS]
    assert finding.text.startswith("1 of ")
    assert finding.text.endswith(f"the longest 7.0x ({HURT})")
    assert FindingKind.TAILS not in {finding.kind for finding in plain.findings}
    tail = row_of(judgement).tail
    assert tail is not None
    assert tail.spikes == 1
    assert [row.verdict for row in judgement.rows] == [row.verdict for row in plain.rows]


def test_a_baseline_of_before_has_no_tails() -> None:
    run = make_run(day=1)
    samples = [sample.model_copy(update={"tail": None}) for sample in run.replicate.samples]
    run = run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})
    assert row_of(judge(baseline_of(run), [make_run(day=9)])).tail is not None
