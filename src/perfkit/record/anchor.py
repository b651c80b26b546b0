"""The anchor of a case: the first reviewed level, which a baseline that follows small regressions keeps in sight."""

from __future__ import annotations

import math
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

from perfkit.record.model import OfCase
from perfkit.record.replicate import LONGEST_S, SHORTEST_S, Sample, Timing, by_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.record.replicate import Replicate


class Anchor(OfCase):
    """One case's level by each clock: means over replicates, on the log scale."""

    datetime: str
    """Of the newest replicate that it rests on."""
    commit: str
    replicates: int
    wall: Timing
    device: Timing | None = None
    device_by: str | None = None
    """How its device times were taken; None: queued, as all were once."""

    @cached_property
    def sample(self) -> Sample:
        """The level as if one replicate had measured it, so that metrics can be read from it."""
        return Sample(
            **self.case._asdict(),
            rounds=1,
            paired=True,
            wall=self.wall,
            device=self.device,
            comparability={} if self.device_by is None else {"device_by": self.device_by},
        )

    def on_a_changed_machine(self, now: Anchor) -> Anchor:
        """With the machine's times of ``now`` and its own speedups: what the case itself lost stays in sight."""
        device = self.device
        if device is not None and now.device is not None:
            device = _with_reference_of(device, now.device)
        return self.model_copy(update={"wall": _with_reference_of(self.wall, now.wall), "device": device})


def anchor_of(case: CaseId, replicates: Sequence[Replicate]) -> Anchor | None:
    """The level of a case over some replicates; None where none has a sound sample of it."""
    found = [(replicate, sample) for replicate in replicates for sample in replicate.sound if sample.case == case]
    if not found:
        return None
    newest, latest = max(found, key=lambda pair: by_date(pair[0]))
    timed = [(replicate, sample) for replicate, sample in found if sample.device is not None]
    if timed:  # a newest one that lost the device's clock doesn't tell how the others' times were taken
        _, latest = max(timed, key=lambda pair: by_date(pair[0]))
    devices = [s.device for _, s in timed if s.device is not None and s.device_by == latest.device_by]
    return Anchor(
        **case._asdict(),
        datetime=newest.datetime,
        commit=newest.commit,
        replicates=len(found),
        wall=_mean([sample.wall for _, sample in found]),
        device=_mean(devices) if devices else None,
        device_by=latest.comparability.get("device_by") if devices else None,
    )


def _mean(timings: Sequence[Timing]) -> Timing:
    references = [timing.reference_s for timing in timings if timing.reference_s is not None]
    speedups = [timing.log_speedup for timing in timings if timing.log_speedup is not None]
    return Timing(
        variant_s=_typical([timing.variant_s for timing in timings]),
        reference_s=_typical(references) if references else None,
        log_speedup=fmean(speedups) if speedups else None,
    )


def _typical(times_s: Sequence[float]) -> float:
    return math.exp(fmean(map(math.log, times_s)))


def _with_reference_of(level: Timing, now: Timing) -> Timing:
    if level.log_speedup is None or now.reference_s is None:
        return now
    # Two machines that have nothing to do with each other could give what is no time any more.
    variant_s = now.reference_s * math.exp(-level.log_speedup)
    return Timing(
        variant_s=min(max(variant_s, SHORTEST_S), LONGEST_S),
        reference_s=now.reference_s,
        log_speedup=level.log_speedup,
    )
