"""Adding a run that has just been measured: whatever goes wrong there, the run has long been saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.credentials import without_credentials
from perfkit.history.location import history_url
from perfkit.record.dates import moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from perfkit.judge.verdict import Judgement
    from perfkit.record.replicate import Run


def why_left_out(run: Run) -> str | None:
    """Why a run is no history, in words; None for one that is."""
    if run.injected is not None:
        return f"has faults put in on purpose ({run.injected}), which is no history"
    if run.shard is not None:
        return f"is {run.shard} of a run; perfkit merge makes the run that the history takes"
    if run.incomplete is not None:
        return f"is incomplete ({run.incomplete}); perfkit run --resume measures the rest"
    return None


def why_undated(run: Run) -> str | None:
    """Why it can't stand among the nights, in words; None for one that can."""
    if moment(run.replicate.datetime) is not None:
        return None
    return f"{run.replicate.datetime!r} is no date, so it has no place in a history"


def keep(runs: Sequence[Run], judgement: Judgement | None, results: Path) -> str | None:
    """Add the replicates of a run, with its verdicts; what went wrong in one line, None where nothing did.

    Runs with faults put in on purpose are no history and are left out, as are incomplete ones, shards, whose cases come
    with the run that is merged of them, and everything where it is switched off.
    """
    faults = []
    try:
        sound = [run for run in runs if why_left_out(run) is None]
        if not sound or history_url(results) is None:
            return None
        # No later try gives such a run a place, and no other run waits for it.
        faults = [f"{run.source}: {why}" for run in sound if (why := why_undated(run)) is not None]
        if dated := [run for run in sound if why_undated(run) is None]:
            _add(dated, judgement, results)
    except Exception as error:  # never at the cost of a run
        faults.append(f"{str(error).strip() or type(error).__name__}; perfkit history add does it later")
    told = without_credentials(" ".join("; ".join(faults).split()))
    return f"not added to the history: {told}" if told else None


def _add(runs: Sequence[Run], judgement: Judgement | None, results: Path) -> None:
    from perfkit.history.add import Entry, add_runs
    from perfkit.history.database import open_history

    judged = judgement.rows if judgement is not None and judgement.refusal is None else ()
    verdicts = {row.case: str(row.verdict) for row in judged}
    entries = []
    with open_history(results) as history:
        for run in runs:
            # A case that only some of the replicates have measured has its verdict there alone.
            cases = [sample.case for sample in run.replicate.samples]
            entries.append(Entry(run, {case: verdicts[case] for case in cases if case in verdicts}))
        add_runs(history, entries)
