"""The numbers of a verdict that are chosen, not computed: what counts, how sure one must be, what is assumed."""

from __future__ import annotations

import math

from perfkit.catalog.case import Platform
from perfkit.judge.metric import Metric
from perfkit.record.schema import DeviceBy

LEVELS = {"leads": 0.035, "follows": 0.010, "beside": 0.0025}
"""How often a run in which nothing changed may raise an alarm by all its cases: 5% together.

Of the deciding clock speedups lead, or times where those repeat clearly better; each metric of a clock that doesn't
decide is judged beside them: wall times on a GPU are a safety net. What a process does to both sides speedups leave
out; what its reference does by itself times leave out. The split was chosen by a look at docs/study.md.
"""
LEADING_VARIANCE = 4.0
"""Times lead where the variance of speedups is so many times theirs: twice the spread; less, a few can't tell."""
MIN_ROUNDS = 5
"""Below this a replicate's median is a matter of luck."""
MIN_EFFECT = math.log1p(0.02)
"""The smallest change of a speedup or a device time that anybody cares about (log of 1.02)."""
MIN_WALL_TIME_EFFECT = math.log1p(0.03)
"""The smallest change of a wall time that anybody cares about (log of 1.03): the machine alone moves it by as much."""
TOLERANCE = {Platform.CUDA: math.log1p(0.10), Platform.CPU: math.log1p(0.20)}
"""A row that could not have seen such a slowdown with 80% power doesn't say PASS.

On a CPU shared with others 10% can't be seen in most cases with a few processes (docs/study.md), so that a night would
always end inconclusive; who has a CPU of their own asks for less in ``[judging]``.
"""

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
cores of a shared machine, 8 cases with OpenVINO, 2.8% in the root mean square (docs/cpu-noise.md).
"""
_ASSUMED_SPREAD_SAME_ENGINE = {**_ASSUMED_SPREAD[Platform.CUDA], Metric.DEVICE_TIME: 0.01}
"""s0 on CUDA where both sides ran one and the same engine, byte for byte.

Its kernels are fixed, while eager's are chosen anew in each process: less the common shift, an engine's device time
moves half as much from process to process as eager-fp16's (docs/h100-first-nights.md, the table of spreads).
"""
_ASSUMED_SPREAD_OF_GRAPHS = {
    way: {**_ASSUMED_SPREAD[Platform.CUDA], Metric.DEVICE_SPEEDUP: spread, Metric.DEVICE_TIME: spread}
    for way, spread in {
        DeviceBy.REPLAYED: 0.005,
        DeviceBy.REPEATED: 0.002,
        DeviceBy.SCATTERED: 0.005,
        DeviceBy.COLD: 0.005,
    }.items()
}
"""s0 on CUDA where device times are those of graphs, by how these were timed.

Replayed: chosen before any speedup had been recorded so: between 7 processes engines moved by 0.1 to 0.3%, but for one
model in one process (7%), and eager-fp32 without cuDNN's autotuning by 1.4% in all graphs of 12 (docs/device-times.md).
Since then 11 processes on an H100 had speedups within 0.1 to 0.25% and times within 0.2 to 1.3%, pooled by variant
(docs/h100.md). Repeated: ten processes on an H100 had speedups with a standard deviation of 0.02 to 0.11% and times
within 0.5% (docs/study.md). On an H200 host since, nine had mobilenet_v2's times within 0.1%, and three, two cards and
a shard, resnet50's within 0.4% (docs/shared-hosts.md). None of them built its engines. Scattered: two to five
processes on H200s had speedups within 0.47% and times within 0.45%, pooled over 142 cases, half of them within 0.1%
(docs/device-times.md). Cold: chosen before any process had been recorded so; in one, loaded and captured again
and again, times moved by 0.1 to 0.2% (docs/device-times.md). Since then eleven processes on an H200 had 72 cases' times
and speedups within 0.1%, pooled, none beyond 0.35% (docs/device-times.md), six on another host two short cases' within
0.2 and 0.4% (docs/side-by-side.md).
"""
_ASSUMED_SPREAD_UNPAIRED = {Metric.WALL_SPEEDUP: 0.015, Metric.WALL_TIME: 0.02}
"""s0 for plain pytest-benchmark files, of which nothing is known: so that one can be judged against one at all.

From the second baseline replicate on, the measured spread weighs in.
"""
_WORTH, _WORTH_UNPAIRED = 4.0, 30.0
"""Degrees of freedom of an assumed spread: of a case's own, so many peers, where there are few.

Of plain files there is often but one a side, and people compare them all the same.
"""


def assumed_spread(
    metric: Metric,
    platform: Platform,
    *,
    paired: bool,
    same_engine: bool = False,
    device_by: str = DeviceBy.QUEUED,
) -> float:
    """s0 for a metric, as a standard deviation on the log scale."""
    if not paired:
        return _ASSUMED_SPREAD_UNPAIRED[metric]
    if platform is Platform.CUDA and device_by in _ASSUMED_SPREAD_OF_GRAPHS:
        return _ASSUMED_SPREAD_OF_GRAPHS[DeviceBy(device_by)][metric]
    if platform is Platform.CUDA and same_engine:
        return _ASSUMED_SPREAD_SAME_ENGINE[metric]
    return _ASSUMED_SPREAD[platform][metric]


def level(*, decides: bool, leads: bool) -> float:
    """How often all cases of a metric together may raise an alarm while nothing changed."""
    if not decides:
        return LEVELS["beside"]
    return LEVELS["leads" if leads else "follows"]


def assumed_worth(*, paired: bool) -> float:
    """How many degrees of freedom the assumed spread is worth."""
    return _WORTH if paired else _WORTH_UNPAIRED


def minimum_effect(metric: Metric) -> float:
    """The smallest change of the metric that counts, on the log scale."""
    return MIN_WALL_TIME_EFFECT if metric is Metric.WALL_TIME else MIN_EFFECT
