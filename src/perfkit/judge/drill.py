"""Whether the judge can be trusted with a run: faults of a known size are put into its numbers.

Nothing is measured, and both sides have the same numbers but for the fault: what is shown is the rule with the spread
that this run's replicates, or its assumptions, have; chance comes on top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfkit.judge.compare import judge
from perfkit.judge.past import own_time_s
from perfkit.judge.verdict import RefusalKind, Verdict
from perfkit.record.baseline import Baseline
from perfkit.record.schema import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.limits import Limits
    from perfkit.judge.verdict import Judgement
    from perfkit.record.replicate import Run, Sample

SLOWER = (0.02, 0.03, 0.05, 0.10, 0.20, 0.30)
CANARY = 0.30
"""A change that no judge may overlook, in either direction."""
_LOST_DB = 20.0
"""A tenth of the signal-to-noise ratio in amplitude: answers that are plainly worse."""


@dataclass(frozen=True, slots=True)
class Check:
    """How often a fault was named, and it alone, of how many times that it was put in."""

    fault: str
    named: int
    of: int
    is_demanded: bool
    """The judge can't be trusted where it isn't named each time."""

    @property
    def passed(self) -> bool:
        """Named each time, or not demanded."""
        return self.named == self.of or not self.is_demanded


def drill(runs: Sequence[Run], limits: Limits) -> list[Check]:
    """The replicates of one run, at least one, as baseline and, with faults in them, as the run that is judged.

    Within the project's limits, so that these are tried out with it, but for the order of its variants. Cases that the
    run planned and didn't measure are left out: they would be MISSING in every judgement.
    """
    cases = sorted({sample.case for run in runs for sample in run.replicate.samples})
    limits = limits.without_order()
    runs = [_measured(run, cases) for run in runs]
    baseline, again = _baseline(runs), [_copied(run) for run in runs]
    itself = judge(baseline, runs, limits).refusal
    unchanged = judge(baseline, again, limits)
    quiet = not any(row.verdict in (Verdict.REGRESSED, Verdict.IMPROVED) for row in unchanged.rows)
    checks = [
        Check(
            "the run against itself is refused",
            int(itself is not None and itself.kind is RefusalKind.SAME_RUN),
            1,
            is_demanded=True,
        ),
        Check("the same numbers as another run: no case moved", int(quiet), 1, is_demanded=True),
    ]
    for share in SLOWER:
        slower = ((judge(baseline, _slowed(again, case, share), limits), case) for case in cases)
        named = sum(_named(judgement, case, Verdict.REGRESSED) for judgement, case in slower)
        checks.append(Check(f"one case slower by {share:.0%}", named, len(cases), is_demanded=share == CANARY))
    swapped = ((judge(_baseline(_slowed(runs, case, CANARY)), again, limits), case) for case in cases)
    faster = sum(_named(judgement, case, Verdict.IMPROVED) for judgement, case in swapped)
    checks.append(Check(f"one case faster by {CANARY:.0%}, swapped", faster, len(cases), is_demanded=True))
    lost = sum(_named(judge(baseline, _without(again, case), limits), case, Verdict.MISSING) for case in cases)
    checks.append(Check("one case vanished", lost, len(cases), is_demanded=True))
    answering = [case for case in cases if _answers(runs, case)]
    noisier = ((judge(baseline, _noisier(again, case), limits), case) for case in answering)
    wrong = sum(_named(judgement, case, Verdict.REGRESSED) for judgement, case in noisier)
    if answering:
        checks.append(Check(f"answers of one case {_LOST_DB:.0f} dB noisier", wrong, len(answering), is_demanded=True))
    return checks


def false_alarms(runs: Sequence[Run], limits: Limits) -> tuple[int, int]:
    """Each replicate against the others, nothing put in: cases that are REGRESSED all the same, and all cases."""
    limits = limits.without_order()
    alarms = judged = 0
    for number, run in enumerate(runs):
        others = [other for place, other in enumerate(runs) if place != number]
        rows = judge(_baseline(others), [run], limits).rows if others else ()
        alarms += sum(row.verdict is Verdict.REGRESSED for row in rows)
        judged += sum(row.compared for row in rows)
    return alarms, judged


def slowed_sample(sample: Sample, share: float) -> Sample:
    """Its deciding clock's time longer by the share; the wall time, where another decides, by as many seconds."""
    added_s = own_time_s(sample) * share
    timings = {}
    for clock, timing in (("wall", sample.wall), ("device", sample.device)):
        if timing is not None:
            factor = 1 + added_s / timing.variant_s
            log_speedup = None if timing.log_speedup is None else timing.log_speedup - math.log(factor)
            update: dict[str, object] = {"variant_s": timing.variant_s * factor, "log_speedup": log_speedup}
            if timing.modes is not None:
                longer = {"fast_s": timing.modes.fast_s * factor, "slow_s": timing.modes.slow_s * factor}
                update["modes"] = timing.modes.model_copy(update=longer)
            timings[clock] = timing.model_copy(update=update)
    return sample.model_copy(update=timings)


def _baseline(runs: Sequence[Run]) -> Baseline:
    return Baseline("the run", runs[0].hardware, tuple(run.replicate for run in runs))


def _measured(run: Run, cases: Sequence[CaseId]) -> Run:
    return run.model_copy(update={"outcomes": [outcome for outcome in run.outcomes if outcome.case in cases]})


def _copied(run: Run) -> Run:
    replicate = run.replicate.model_copy(update={"run_id": f"{run.replicate.run_id} again"})
    return run.model_copy(update={"replicate": replicate})


def _named(judgement: Judgement, case: CaseId, verdict: Verdict) -> bool:
    """Whether the case has the verdict, and no other has one that fails the run."""
    verdicts = {row.case: row.verdict for row in judgement.rows}
    others = [found for other, found in verdicts.items() if other != case]
    return verdicts.get(case) is verdict and not any(found.fails for found in others)


def _changed(runs: Sequence[Run], case: CaseId, change: Callable[[Sample], Sample | None]) -> list[Run]:
    changed = []
    for run in runs:
        samples = [change(sample) if sample.case == case else sample for sample in run.replicate.samples]
        kept = [sample for sample in samples if sample is not None]
        changed.append(run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": kept})}))
    return changed


def _slowed(runs: Sequence[Run], case: CaseId, share: float) -> list[Run]:
    return _changed(runs, case, lambda sample: slowed_sample(sample, share))


def _without(runs: Sequence[Run], case: CaseId) -> list[Run]:
    gone = Outcome(**case._asdict(), status=Status.NOT_RUN)
    return [
        run.model_copy(update={"outcomes": [gone if outcome.case == case else outcome for outcome in run.outcomes]})
        for run in _changed(runs, case, lambda _: None)
    ]


def _answers(runs: Sequence[Run], case: CaseId) -> bool:
    return all(s.agreement is not None for run in runs for s in run.replicate.samples if s.case == case)


def _noisier(runs: Sequence[Run], case: CaseId) -> list[Run]:
    def worse(sample: Sample) -> Sample:
        assert sample.agreement is not None
        agreement = sample.agreement.model_copy(update={"sqnr_db_min": sample.agreement.sqnr_db_min - _LOST_DB})
        return sample.model_copy(update={"agreement": agreement})

    return _changed(runs, case, worse)
