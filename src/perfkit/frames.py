"""Judgements, baselines and runs as pandas tables; pandas is optional, and imported here alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perfkit.errors import UserError
from perfkit.judge.metric import Clock, Metric
from perfkit.judge.verdict import Judgement
from perfkit.record.baseline import Baseline
from perfkit.record.replicate import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from perfkit.judge.verdict import Row
    from perfkit.record.replicate import Replicate

_CASE = ["model", "variant", "shape"]


def to_pandas(what: Judgement | Baseline | Run | Sequence[Run]) -> pd.DataFrame:
    """A table for a notebook.

    Of a judgement one line a case, indexed by model, variant and shape, worst first: its verdict, and of every metric
    the baseline's and the run's number and the change in percent. Of a baseline or of runs one line a replicate and
    case. Speedups are factors, times are seconds, as the names say. Raises UserError without pandas.
    """
    try:
        import pandas as pd
    except ImportError:
        raise UserError("to_pandas() needs pandas: pip install 'perfkit[pandas]'") from None
    if isinstance(what, Judgement):
        columns = [*_CASE, *_ROW_COLUMNS]
        columns += [f"{column_of(metric)}{end}" for metric in Metric for end in ("_baseline", "", "_change_pct")]
        return pd.DataFrame(map(_row, what.rows), columns=columns).set_index(_CASE)
    runs = [what] if isinstance(what, Run) else what
    replicates = runs.replicates if isinstance(runs, Baseline) else [run.replicate for run in runs]
    table = pd.DataFrame(_samples(replicates), columns=_SAMPLE_COLUMNS)
    table["datetime"] = pd.to_datetime(table["datetime"], utc=True, format="ISO8601", errors="coerce")
    return table


def column_of(metric: Metric) -> str:
    """``wall_speedup``, ``device_time_s``."""
    return metric.value.replace(" ", "_") + ("" if metric.is_speedup else "_s")


_ROW_COLUMNS = ["verdict", "compared", "moved", "deciding", "detectable_pct", "drift_pct", "reason", "notes"]
_SAMPLE_COLUMNS = [
    "run_id",
    "datetime",
    "commit",
    "suite",
    *_CASE,
    "rounds",
    *(column_of(metric) for metric in Metric),
    *(f"reference_{clock}_time_s" for clock in Clock),
]


def _row(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {
        **row.case._asdict(),
        "verdict": str(row.verdict),
        "compared": row.compared,
        "moved": None if row.moved is None else str(row.moved),
        "deciding": None if row.deciding is None else str(row.deciding),
        "detectable_pct": row.detectable_pct,
        "drift_pct": row.drift_pct,
        "reason": row.reason,
        "notes": "; ".join(row.notes),
    }
    for metric in row.metrics:
        name = column_of(metric.metric)
        told |= {f"{name}_baseline": metric.baseline, name: metric.current, f"{name}_change_pct": metric.change_pct}
    return told


def _samples(replicates: Iterable[Replicate]) -> Iterator[dict[str, Any]]:
    for replicate in replicates:
        for sample in replicate.samples:
            told: dict[str, Any] = {
                "run_id": replicate.run_id,
                "datetime": replicate.datetime,
                "commit": replicate.commit,
                "suite": replicate.suite,
                **sample.case._asdict(),
                "rounds": sample.rounds,
            }
            for metric in Metric:
                score = metric.score(sample)
                told[column_of(metric)] = None if score is None else metric.value_of(score)
            for clock in Clock:
                timing = clock.timing(sample)
                told[f"reference_{clock}_time_s"] = None if timing is None else timing.reference_s
            yield told
