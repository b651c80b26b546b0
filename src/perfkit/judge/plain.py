"""Plain pytest-benchmark files, which perfkit did not write: what can't be judged on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.judge.rule import MIN_ROUNDS
from perfkit.record.schema import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perfkit.record.replicate import Run


def cannot_be_judged(run: Run) -> Iterator[str]:
    """What a plain file leaves open, a sentence each; only what is true of this one."""
    samples = run.replicate.samples
    timed = [str(sample.case) for sample in samples if sample.wall.log_speedup is None and sample.variant]
    alone = [case for case in timed if case.split("/")[-2:-1] != [REFERENCE_VARIANT]]
    unnamed = sum(not sample.variant for sample in samples)
    broken = [outcome for outcome in run.outcomes if outcome.status is Status.BROKEN]
    few = sum(sample.rounds < MIN_ROUNDS for sample in samples)
    if broken:
        told = "; ".join(f"{outcome.case}: {outcome.reason}" for outcome in broken[:3])
        yield f"{len(broken)} broken, their numbers can't be true: {told}{' ...' if len(broken) > 3 else ''}"  # noqa: PLR2004
    if unnamed:
        yield f"speedups of {unnamed}: no model, variant and shape, so only their times (name them by --pattern)"
    if alone:
        yield f"speedups of {len(alone)}: no {REFERENCE_VARIANT} of the same model and shape, so only their times"
    if few:
        yield f"{few} with fewer than {MIN_ROUNDS} rounds: INCONCLUSIVE, but where most of several files have more"
    if any(sample.wall.log_speedup is not None for sample in samples):
        yield "which side a slowdown is on: reference and variant weren't measured in the same rounds"
    yield "the device's own time: a test's time has launching and waiting in it"
    yield "answers: nothing says that they are right"
    if not any("weights" in sample.comparability for sample in samples):
        yield "whether weights, inputs and settings are the same as in another file"
    yield "engines, layers and memory: no facts of what was built"
    yield "a case that crashed: there is no plan that would miss it, only a baseline that has it"
    yield "how much processes differ, until there are several files: it is assumed"
