"""The chosen numbers hang together."""

from __future__ import annotations

import pytest

from perfkit.catalog.case import Platform
from perfkit.judge import rule
from perfkit.judge.metric import Metric
from perfkit.record.schema import DeviceBy


@pytest.mark.parametrize(
    ("metric", "platform"),
    [
        *((metric, Platform.CUDA) for metric in Metric),
        (Metric.WALL_SPEEDUP, Platform.CPU),
        (Metric.WALL_TIME, Platform.CPU),
    ],
)
def test_every_metric_has_an_assumed_spread(metric: Metric, platform: Platform) -> None:
    assert 0 < rule.assumed_spread(metric, platform, paired=True) < 0.5


@pytest.mark.parametrize("metric", [Metric.DEVICE_SPEEDUP, Metric.DEVICE_TIME])
def test_the_better_device_times_are_taken_the_less_spread_is_assumed(metric: Metric) -> None:
    ways = (DeviceBy.REPEATED, DeviceBy.REPLAYED, DeviceBy.QUEUED)
    spreads = [rule.assumed_spread(metric, Platform.CUDA, paired=True, device_by=way) for way in ways]
    assert spreads == sorted(set(spreads))


@pytest.mark.parametrize("metric", [Metric.DEVICE_SPEEDUP, Metric.DEVICE_TIME])
@pytest.mark.parametrize("way", [DeviceBy.SCATTERED, DeviceBy.COLD])
def test_of_later_device_times_more_spread_is_assumed_than_when_all_lay_alike(metric: Metric, way: DeviceBy) -> None:
    ways = (DeviceBy.REPEATED, way, DeviceBy.QUEUED)
    spreads = [rule.assumed_spread(metric, Platform.CUDA, paired=True, device_by=way) for way in ways]
    assert spreads == sorted(set(spreads))


def test_all_metrics_together_raise_a_false_alarm_in_one_night_of_twenty() -> None:
    by_device = [Metric.DEVICE_SPEEDUP, Metric.DEVICE_TIME]
    for leading in by_device:
        levels = [rule.level(decides=metric in by_device, leads=metric is leading) for metric in Metric]
        assert sum(levels) == pytest.approx(0.05)
