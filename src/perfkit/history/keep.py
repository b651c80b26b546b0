"""Adding a run that has just been measured: whatever goes wrong there, the run has long been saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.credentials import without_credentials
from perfkit.history.location import history_url

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


def keep(runs: Sequence[Run], judgement: Judgement | None, results: Path) -> str | None:
    """Add the replicates of a run, with its verdicts; what went wrong in one line, None where nothing did.

    Runs with faults put in on purpose are no history and are left out, as are incomplete ones, shards, whose cases come
    with the run that is merged of them, and everything where it is switched off.
    """
    sound = [run for run in runs if why_left_out(run) is None]
    try:
        if not sound or history_url(results) is None:
            return None
        _add(sound, judgement, results)
    except Exception as error:  # never at the cost of a run
        text = without_credentials(" ".join(str(error).split())) or type(error).__name__
        return f"not added to the history: {text}; perfkit history add does it later"
    return None


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
