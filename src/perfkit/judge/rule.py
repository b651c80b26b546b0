"""The statistics of a verdict: numbers in, numbers out, replaceable whole by a better rule.

A score is one number per replicate on a natural log scale where more is better. The effect is the
difference of medians. Its threshold comes from the spread between the baseline's replicates, drawn
towards an assumed spread while there are few of them. docs/judging.md derives it and names its
limits; the symbols there are the names here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from perfkit.catalog.case import Platform
from perfkit.judge.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Sequence

PRIOR_DEGREES = 4
"""d0: how many degrees of freedom the assumed spread is worth.

With limma's form of the moderated variance (Smyth, "Linear Models and Empirical Bayes Methods",
Statistical Applications in Genetics and Molecular Biology 3, 2004, section 4), but d0 and s0 are
assumed here and not estimated from the peers.
"""
SIGMAS = 3.0
"""How many standard errors an effect must exceed: by chance once in 740 when the spread is known.

docs/judging.md tells how much more often when it is estimated or assumed too small.
"""
MIN_ROUNDS = 5
"""Below this a replicate's median is a matter of luck."""
MIN_SPEEDUP_EFFECT = math.log1p(0.02)
"""The smallest change of a speedup that anybody cares about (log of 1.02)."""
MIN_TIME_EFFECT = math.log1p(0.05)
"""The smallest change of an absolute time that anybody cares about (log of 1.05)."""
TOLERANCE = math.log1p(0.10)
"""A row that could not have seen a slowdown of 10 % doesn't say PASS."""

_ASSUMED_SPREAD: dict[Platform, dict[Metric, float]] = {
    Platform.CUDA: {
        Metric.DEVICE_SPEEDUP: 0.015,
        Metric.WALL_SPEEDUP: 0.08,
        Metric.DEVICE_TIME: 0.02,
        Metric.WALL_TIME: 0.10,
    },
    Platform.CPU: {
        Metric.WALL_SPEEDUP: 0.028,
        Metric.WALL_TIME: 0.08,
    },
}
"""s0: standard deviation between fresh processes on a log scale.

CUDA: resnet18's 9 speedups on two H100 hosts (results/h100 at commit 158fd77) differ by 2.3% (device) and 8% (wall) in
the root mean square, which is 1.7% and 6% a process; launch-bound models are worse, wall speedups of
MobileNetV2 at batch 1 had moved by 21% on another host. CPU: 8 processes one after another on 2 idle
cores of a shared machine, 8 cases with OpenVINO, 2.8% in the root mean square (docs/measuring.md).
"""
_ASSUMED_SPREAD_SAME_ENGINE = {**_ASSUMED_SPREAD[Platform.CUDA], Metric.DEVICE_TIME: 0.01}
"""s0 on CUDA where both sides ran one and the same engine, byte for byte.

Its kernels are fixed, while eager's are chosen anew in each process: less the common shift, an engine's device time
moves half as much from process to process as eager-fp16's (docs/h100.md, the table of spreads).
"""
_ASSUMED_SPREAD_UNPAIRED = {Metric.WALL_SPEEDUP: 0.02, Metric.WALL_TIME: 0.03}
"""s0 for plain pytest-benchmark files, of which nothing is known.

2 % is the largest round number with which one replicate can be judged against one at all; from the
second baseline replicate on, the measured spread weighs in.
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """A change of a score in log units (more is better) and the smallest that would have shown."""

    size: float
    threshold: float

    @property
    def is_worse(self) -> bool:
        """A fall beyond the threshold."""
        return self.size < -self.threshold

    @property
    def is_better(self) -> bool:
        """A rise beyond the threshold."""
        return self.size > self.threshold


def assumed_spread(metric: Metric, platform: Platform, *, paired: bool, same_engine: bool = False) -> float:
    """s0 for a metric, as a standard deviation on the log scale."""
    if not paired:
        return _ASSUMED_SPREAD_UNPAIRED[metric]
    if same_engine and platform is Platform.CUDA:
        return _ASSUMED_SPREAD_SAME_ENGINE[metric]
    return _ASSUMED_SPREAD[platform][metric]


def minimum_effect(metric: Metric) -> float:
    """The smallest change of the metric that counts, on the log scale."""
    return MIN_SPEEDUP_EFFECT if metric.is_speedup else MIN_TIME_EFFECT


def effect_of(
    baseline: Sequence[float],
    current: Sequence[float],
    current_errors: Sequence[float],
    spread: float,
    minimum: float,
) -> Effect:
    """The change from baseline to current and what it must exceed.

    `baseline` and `current` are scores, one per replicate and at least one each; `current_errors`
    the standard errors within the current replicates, as far as known; `spread` is s0.
    """
    between = between_variance(baseline, spread)
    within = sum(error**2 for error in current_errors) / len(current) ** 2
    standard_error = math.sqrt(between * (1 / len(baseline) + 1 / len(current)) + within)
    return Effect(
        size=median(current) - median(baseline),
        threshold=max(minimum, SIGMAS * standard_error),
    )


def between_variance(baseline: Sequence[float], spread: float) -> float:
    """s²: the variance between replicates, drawn towards s0² with the weight of d0 degrees."""
    mean = fmean(baseline)
    squares = sum((score - mean) ** 2 for score in baseline)
    return (PRIOR_DEGREES * spread**2 + squares) / (PRIOR_DEGREES + len(baseline) - 1)
