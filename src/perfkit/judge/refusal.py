"""Reasons not to judge a run at all, each with the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.judge.verdict import Refusal, RefusalKind
from perfkit.record.hardware import describe_hardware, same_hardware

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run


def mixed_hardware(runs: Sequence[Run]) -> Refusal | None:
    """Replicates of one run come from one machine's kind."""
    first = runs[0]
    for run in runs[1:]:
        if not same_hardware(run.hardware, first.hardware):
            return Refusal(
                kind=RefusalKind.MIXED_HARDWARE,
                text=f"replicates of different hardware are no one run: {first.source} "
                f"({describe_hardware(first.hardware)}) and {run.source} "
                f"({describe_hardware(run.hardware)})",
            )
    return None


def mixed_shards(runs: Sequence[Run]) -> Refusal | None:
    """Shards have different cases: merged they are a run, and each alone is judged by itself."""
    told = {str(run.shard or "the whole"): run for run in runs}
    if len(told) < 2:  # noqa: PLR2004 - replicates of one
        return None
    parts = ", ".join(f"{part} ({run.source})" for part, run in sorted(told.items()))
    return Refusal(
        kind=RefusalKind.MIXED_SHARDS,
        text=f"these are different parts of a run: {parts}; put them together: perfkit merge",
    )


def same_run(baseline: Baseline | None, runs: Sequence[Run]) -> Refusal | None:
    """A run compared with itself can only pass."""
    if baseline is None:
        return None
    own = {replicate.run_id for replicate in baseline.replicates}
    parts = {identity for replicate in baseline.replicates for identity in replicate.all_ids}
    for run in runs:
        if run.replicate.run_id in own:
            return Refusal(
                kind=RefusalKind.SAME_RUN,
                text=f"both are the same run: {run.source} and a replicate of {baseline.source} "
                f"have the same date ({run.replicate.datetime}), commit and samples; measure again",
            )
        # Its own id is new: it was merged of shards of which some are another night's, or it is one by itself.
        if run.replicate.all_ids & parts:
            return Refusal(
                kind=RefusalKind.SAME_RUN,
                text=f"both have the same shard: {run.source} and a replicate of {baseline.source}; "
                "merge the shards of one night, or measure again",
            )
    return None


def no_baseline(baseline: Baseline | None, runs: Sequence[Run]) -> Refusal | None:
    """No baseline at all, or one of other hardware, which says nothing about this."""
    hardware = runs[0].hardware
    if baseline is None:
        files = " ".join(run.source for run in runs if run.source.endswith(".json")) or "RUN.json"
        return Refusal(
            kind=RefusalKind.NO_BASELINE,
            text=f"no baseline for this hardware ({describe_hardware(hardware)}); "
            f"promote one with: perfkit promote {files}",
        )
    if not same_hardware(baseline.hardware, hardware):
        return Refusal(
            kind=RefusalKind.OTHER_HARDWARE,
            text=f"the baseline is of other hardware: {baseline.source} of "
            f"{describe_hardware(baseline.hardware)}, this run of {describe_hardware(hardware)}",
        )
    return None


NOTHING_COMPARABLE = Refusal(
    kind=RefusalKind.NOTHING_COMPARABLE,
    text="nothing to compare: the run has no case that the baseline has under the same conditions",
)
