"""What the machine did beside the rounds, and how device times were taken."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.exit_codes import ExitCode
from perfkit.judge import rule
from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.judge.verdict import Verdict
from tests.judge.helpers import HURT, baseline_of, row_of, usual_baseline
from tests.support import make_run, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.record.replicate import Run, Sample
    from tests.support import Times

HOT = {"the GPU was too hot": 15}


def with_samples(run: Run, **update: Any) -> Run:
    """The run with every sample changed; an update that is callable gets the sample."""

    def changed(sample: Sample) -> Sample:
        values = {name: value(sample) if callable(value) else value for name, value in update.items()}
        return sample.model_copy(update=values)

    samples = [changed(sample) for sample in run.replicate.samples]
    return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})


@pytest.mark.case("B16")
def test_a_disturbed_replicate_proves_nothing() -> None:
    run = with_samples(make_run(slowed(usual_times(), HURT, 2.0), day=9), spoiled=True, disturbed=HOT)
    judgement = judge(usual_baseline(), [run])
    assert {row.verdict for row in judgement.rows} == {Verdict.INCONCLUSIVE}
    assert all(row.disturbed for row in judgement.rows)
    assert row_of(judgement).reason == "most rounds were disturbed: the GPU was too hot (15 of 20)"
    assert judgement.refusal is None
    assert judgement.exit_code is ExitCode.INCONCLUSIVE  # 10 would be: nothing of it can ever be judged


def test_a_sound_replicate_counts_alone() -> None:
    spoiled = with_samples(make_run(slowed(usual_times(), HURT, 2.0), day=10), spoiled=True, disturbed=HOT)
    judgement = judge(usual_baseline(), [make_run(day=9), spoiled])
    assert {row.verdict for row in judgement.rows} == {Verdict.PASS}


def test_a_disturbed_baseline_replicate_counts_for_nothing() -> None:
    spoiled = with_samples(make_run(slowed(usual_times(), HURT, 2.0), day=4), spoiled=True, disturbed=HOT)
    sound = [make_run(day=day) for day in range(1, 4)]
    judgement = judge(baseline_of(*sound, spoiled), [make_run(day=9)])
    assert row_of(judgement).verdict is Verdict.PASS


def test_rounds_that_were_left_out_are_counted() -> None:
    run = with_samples(make_run(day=9), disturbed={"other processes were busy": 4, "the GPU was too hot": 1})
    (note,) = [note for note in row_of(judge(usual_baseline(), [run])).notes if "left out" in note]
    assert note == ("5 of 25 rounds were disturbed and left out (other processes were busy: 4; the GPU was too hot: 1)")


@pytest.mark.parametrize(("mhz", "told"), [(1980.0, False), (1950.0, False), (1930.0, True)])
def test_clocks_that_differ_by_more_than_2_percent_are_said(mhz: float, told: bool) -> None:
    before = baseline_of(*(with_samples(make_run(day=day), clocks_mhz={"sm": 1980.0}) for day in range(1, 4)))
    judgement = judge(before, [with_samples(make_run(day=9), clocks_mhz={"sm": mhz})])
    assert ("the GPU's sm clock: 1980 -> 1930 MHz" in row_of(judgement).notes) == told


def replayed(sample: Sample) -> dict[str, str]:
    return {**sample.comparability, "device_by": "replayed"}


def test_replayed_device_times_are_not_held_to_queued_ones() -> None:
    """Not even to those of a baseline that was stored before there were replays."""
    older = baseline_of(
        *(
            with_samples(
                make_run(day=day),
                comparability=lambda s: {name: v for name, v in s.comparability.items() if name != "device_by"},
            )
            for day in range(1, 4)
        )
    )
    run = with_samples(make_run(day=9), comparability=replayed)
    for baseline in (older, usual_baseline()):
        row = row_of(judge(baseline, [run]))
        assert row.verdict is Verdict.INCONCLUSIVE
        assert row.reason == "not comparable: device_by (queued -> replayed)"


def queued_as(run: Run, way: str) -> Run:
    return with_samples(run, comparability=lambda s: {**s.comparability, "device_by": way})


@pytest.mark.parametrize("few", [8, 9, 10])
def test_a_replicate_that_could_not_be_captured_is_left_out_alone(few: int) -> None:
    """Whichever it is, and though it would have told of a regression: its times are others'."""
    baseline = baseline_of(*(queued_as(make_run(day=day), "replayed") for day in range(1, 6)))
    night = [queued_as(make_run(day=day), "replayed") for day in (8, 9, 10)]
    queued = queued_as(make_run(slowed(usual_times(), HURT, 1.5), day=few), "queued")
    judgement = judge(
        baseline, [queued if run.replicate.datetime == queued.replicate.datetime else run for run in night]
    )
    row = row_of(judgement)
    assert row.verdict is Verdict.PASS
    assert row.metrics[0].current_replicates == 2
    assert "1 of 3 replicates left out: their device times were queued, those of the others replayed" in row.notes


def test_half_of_the_replicates_is_no_minority() -> None:
    baseline = baseline_of(*(queued_as(make_run(day=day), "replayed") for day in range(1, 6)))
    night = [queued_as(make_run(day=day), way) for day, way in ((8, "queued"), (9, "replayed"))]
    row = row_of(judge(baseline, night))
    assert (row.verdict, row.reason) == (
        Verdict.INCONCLUSIVE,
        "not comparable: the run's own replicates differ in device_by",
    )


def test_a_night_mostly_captured_in_another_way_than_its_baseline_is_not_comparable() -> None:
    baseline = baseline_of(*(queued_as(make_run(day=day), "replayed") for day in range(1, 6)))
    night = [queued_as(make_run(day=day), way) for day, way in ((8, "queued"), (9, "queued"), (10, "replayed"))]
    row = row_of(judge(baseline, night))
    assert (row.verdict, row.reason) == (Verdict.INCONCLUSIVE, "not comparable: device_by (replayed -> queued)")


def test_a_replicate_without_device_times_still_has_its_wall_times() -> None:
    baseline = baseline_of(*(queued_as(make_run(day=day), "replayed") for day in range(1, 6)))
    night = [queued_as(make_run(day=day), way) for day, way in ((8, "replayed"), (9, "replayed"), (10, "queued"))]
    night.append(with_samples(make_run(day=11), device=None))
    metrics = {row.metric: row for row in row_of(judge(baseline, night)).metrics}
    assert metrics[Metric.DEVICE_SPEEDUP].current_replicates == 2
    assert metrics[Metric.WALL_SPEEDUP].current_replicates == 3


def moody(day: int, times: Times | None = None) -> Run:
    """The references run other kernels in each process; the variants keep their times."""
    rng = random.Random(day)  # noqa: S311
    scale = {(c.model, c.shape): 1 + rng.uniform(-0.3, 0.3) for c in usual_times()}
    times = usual_times() if times is None else times
    moved = {c: (r * scale[c.model, c.shape], v) for c, (r, v) in times.items() if c.variant != "eager-fp32"}
    return with_samples(make_run(moved, day=day, jitter=0.001, between=0.03), comparability=replayed)


def test_times_lead_where_the_references_are_moody(monkeypatch: pytest.MonkeyPatch) -> None:
    baseline = baseline_of(*(moody(day) for day in range(1, 6)))
    night = [moody(day, slowed(usual_times(), HURT, 1.3)) for day in range(9, 12)]
    row = row_of(judge(baseline, night))
    assert row.verdict is Verdict.REGRESSED
    time = row.metric(Metric.DEVICE_TIME)
    assert time is not None
    monkeypatch.setattr(rule, "LEADING_VARIANCE", float("inf"))
    led_by_speedups = row_of(judge(baseline, night)).metric(Metric.DEVICE_TIME)
    assert led_by_speedups is not None
    assert time.detectable_pct is not None
    assert led_by_speedups.detectable_pct is not None
    assert time.detectable_pct < led_by_speedups.detectable_pct


def lost_clock(run: Run) -> Run:
    """Without device times, and without a word of how they would have been taken."""
    return with_samples(
        run,
        device=None,
        comparability=lambda s: {name: v for name, v in s.comparability.items() if name != "device_by"},
    )


@pytest.mark.parametrize("days", [(8, 9), (9, 8)])
def test_a_replicate_that_lost_the_devices_clock_hides_no_other_way_of_taking_times(days: tuple[int, int]) -> None:
    """Whichever of the two is the newest."""
    baseline = baseline_of(*(queued_as(make_run(day=day), "repeated") for day in range(1, 6)))
    night = [queued_as(make_run(day=days[0]), "scattered"), lost_clock(make_run(day=days[1]))]
    row = row_of(judge(baseline, sorted(night, key=lambda run: run.replicate.datetime)))
    assert (row.verdict, row.reason) == (
        Verdict.INCONCLUSIVE,
        "not comparable: device_by (repeated -> scattered)",
    )


def test_times_that_say_how_they_were_taken_are_not_held_to_newer_ones_that_dont() -> None:
    baseline = baseline_of(*(queued_as(make_run(day=day), "repeated") for day in range(1, 6)))
    silent = with_samples(
        make_run(day=9), comparability=lambda s: {name: v for name, v in s.comparability.items() if name != "device_by"}
    )
    assert row_of(judge(baseline, [silent])).reason == "not comparable: device_by (repeated -> queued)"


@pytest.mark.parametrize("cut", ["baseline", "run"])
def test_a_process_that_was_cut_short_is_left_out_alone(cut: str) -> None:
    """Four rounds of one replicate mustn't hide what seven others are sure of, tonight and every night."""
    before = [make_run(day=day, rounds=4 if cut == "baseline" and day == 1 else 20) for day in range(1, 6)]
    slow = slowed(usual_times(), HURT, 2.0)
    after = [make_run(slow, day=day, rounds=4 if cut == "run" and day == 9 else 20) for day in (9, 10, 11)]
    row = row_of(judge(baseline_of(*before), after))
    assert row.verdict is Verdict.REGRESSED
    told = "1 of 3 replicates left out: only 4 of at least 5 rounds"
    assert (told in row.notes) is (cut == "run")
    told = "1 of the baseline's replicates left out: fewer than 5 rounds"
    assert (told in row.notes) is (cut == "baseline")
    # Slow calls have few rounds: few replicates mustn't speak for many.
    for rounds in ((4,), (4, 20), (4, 4, 20)):
        night = [make_run(slow, day=day, rounds=count) for day, count in enumerate(rounds, start=9)]
        row = row_of(judge(baseline_of(*before[1:]), night))
        assert (row.verdict, row.reason) == (Verdict.INCONCLUSIVE, "only 4 of at least 5 rounds in a replicate")
