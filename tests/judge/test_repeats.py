"""What was in doubt and measured again: a device time that what a process did before has moved isn't seen again.

All replicates of a night do the same before a case, so that they agree on what it did (docs/device-times.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.exit_codes import ExitCode
from perfkit.judge.compare import judge
from perfkit.judge.verdict import Moved, Verdict
from tests.judge.helpers import HURT, others, row_of, usual_baseline
from tests.support import make_run, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement

JITTER = 0.002
"""Medians of 20 rounds then repeat as an H200's do."""


def night(first: float, again: float | None) -> Judgement:
    """Three replicates with one case slower by a share, and a repeat of that case alone."""
    times = usual_times()
    runs = [make_run(slowed(times, HURT, 1 + first), day=day, jitter=JITTER) for day in (7, 8, 9)]
    if again is not None:
        runs.append(make_run({HURT: slowed(times, HURT, 1 + again)[HURT]}, day=10, jitter=JITTER))
    return judge(usual_baseline(5, jitter=JITTER), runs)


@pytest.mark.parametrize("share", [0.028, 0.05, 0.2])
def test_what_a_repeat_sees_again_is_a_regression(share: float) -> None:
    for judgement in (night(share, None), night(share, share)):
        assert (row_of(judgement).verdict, row_of(judgement).moved) == (Verdict.REGRESSED, Moved.VARIANT)
        assert others(judgement) == {Verdict.PASS}


@pytest.mark.parametrize("share", [0.028, 0.05, 0.2])
def test_what_it_doesnt_see_is_in_doubt(share: float) -> None:
    judgement = night(share, 0.0)
    assert row_of(judgement).verdict is Verdict.INCONCLUSIVE
    assert judgement.exit_code is ExitCode.INCONCLUSIVE
    assert others(judgement) == {Verdict.PASS}


@given(st.floats(0.02, 0.3), st.floats(-0.05, 0.005))
@settings(max_examples=30)
def test_what_it_doesnt_see_is_no_regression(share: float, again: float) -> None:
    assert row_of(night(share, again)).verdict in (Verdict.INCONCLUSIVE, Verdict.PASS)
