"""What becomes of a baseline's anchors when a run is promoted: they stay, unless somebody accepted the whole way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.judge.decide import as_pct
from perfkit.judge.drift import anchor_name
from perfkit.judge.metric import Clock, speedup_of, time_of
from perfkit.judge.objections import is_incomparable
from perfkit.judge.suspects import comparability_differences
from perfkit.judge.verdict import FindingKind, Verdict
from perfkit.record.anchor import anchor_of
from perfkit.record.schema import DeviceBy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.verdict import Judgement, Row
    from perfkit.record.anchor import Anchor
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Replicate


def anchors_after(
    baseline: Baseline | None, added: Sequence[Replicate], judgement: Judgement, rows: Sequence[Row]
) -> tuple[tuple[Anchor, ...], tuple[str, ...]]:
    """The anchors once ``added`` is promoted, and a line for each that moved; everything in ``rows`` was accepted.

    ``added`` has no spoiled samples. An anchor moves up with a gain, follows changed conditions and the machine, and
    moves down only where the whole distance was told and accepted. A case without one (new, or of a file of schema
    version 1) gets its first level.
    """
    anchors = {anchor.case: anchor for anchor in anchors_of(baseline)}
    drifted = any(finding.kind is FindingKind.DRIFT and not finding.cases for finding in judgement.findings)
    shifted = drifted or judgement.has_shifted
    by_case = {row.case: row for row in rows}
    moved = []
    for case in sorted({sample.case for replicate in added for sample in replicate.samples}):
        level, row, old = anchor_of(case, added), by_case.get(case), anchors.get(case)
        assert level is not None
        if old is None or row is None:
            anchors[case] = old or level
            continue
        new = _moved(old, level, row, is_machines=shifted)
        if new is not old:
            moved.append(f"{case}: {_way(old, new)}, {anchor_name(old)}")
            anchors[case] = new
    return tuple(anchors[case] for case in sorted(anchors)), tuple(moved)


def anchors_of(baseline: Baseline | None) -> Iterable[Anchor]:
    """The baseline's own, and for a case without one the level that its replicates have now."""
    if baseline is None:
        return
    own = {anchor.case for anchor in baseline.anchors}
    yield from baseline.anchors
    cases: set[CaseId] = {sample.case for replicate in baseline.replicates for sample in replicate.sound}
    for case in sorted(cases - own):
        level = anchor_of(case, baseline.replicates)
        assert level is not None
        yield level


def _moved(old: Anchor, level: Anchor, row: Row, *, is_machines: bool) -> Anchor:
    if is_incomparable(row) or row.drift_pct is not None or measured_otherwise(old, level):
        return level
    if row.verdict is Verdict.IMPROVED and (distance(old, level) or 0.0) > 0:
        return level
    return old.on_a_changed_machine(level) if is_machines else old


def measured_otherwise(old: Anchor, new: Anchor) -> str:
    """What the device times of two levels don't have in common: ``device_by queued -> replayed``; empty: nothing."""
    before, after = (level.device_by or DeviceBy.QUEUED for level in (old, new))
    return ", ".join(f"{name} {before} -> {after}" for name in comparability_differences(old.sample, new.sample))


def distance(old: Anchor, new: Anchor) -> float | None:
    """From one level of a case to another, in log units by the deciding metric; positive is faster.

    None where their device times were taken in different ways.
    """
    if measured_otherwise(old, new):
        return None
    clock = Clock.DEVICE if old.device is not None and new.device is not None else Clock.WALL
    for metric in (speedup_of(clock), time_of(clock)):
        before, after = metric.score(old.sample), metric.score(new.sample)
        if before is not None and after is not None:
            return after - before
    return 0.0


def _way(old: Anchor, new: Anchor) -> str:
    way = distance(old, new)
    if way is None:
        return f"measured otherwise ({measured_otherwise(old, new)})"
    if way == 0:
        return "the machine's times are others, the speedup stays"
    return f"{as_pct(abs(way)):.1f}% {'faster' if way > 0 else 'slower'}"
