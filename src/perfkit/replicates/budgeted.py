"""``perfkit run --budget`` on one device: before each further replicate, what of it still fits into the time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.catalog.config import load_config
from perfkit.judge.compare import judge
from perfkit.judge.verdict import Verdict
from perfkit.record.read import read_run_json
from perfkit.record.schema import Status
from perfkit.replicates.budget import (
    Repeat,
    certainties_of,
    drop_to_fit,
    dropped_lines,
    least_telling_first,
    parse_budget,
)
from perfkit.replicates.durations import Durations, durations_of, usual_case_s
from perfkit.tell import tell

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.judge.limits import Limits
    from perfkit.judge.verdict import Row
    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run

_SHORT_S = 300.0


@dataclass
class Budget:
    """The time of a run, from now on, and what was dropped for it."""

    text: str
    limits: Limits
    dropped: dict[str, list[CaseId]] = field(default_factory=dict)
    """Cases by the name of the replicate that is without them."""

    def __post_init__(self) -> None:
        self._ends_s = time.monotonic() + parse_budget(self.text)

    @property
    def why(self) -> str:
        """For the records of what was dropped."""
        return f"dropped to stay within --budget {self.text}"

    @property
    def left_s(self) -> float:
        """What is left of it; negative when it is over."""
        return self._ends_s - time.monotonic()

    def drop(self, number: int, of: int, runs: Sequence[Run], baseline: Baseline | None) -> list[CaseId] | None:
        """The cases that replicate ``number``, from 2, is to be without, and None where it is dropped whole.

        ``runs`` are the replicates before it. Told on standard error.
        """
        cases = measured_cases(runs)
        certainties = certainties_of(judge(baseline, runs, self.limits), self.limits, runs[0].replicate.platform)
        repeats = least_telling_first(cases, range(number, of + 1), certainties)
        durations = durations_here(runs)

        def takes_s(kept: Collection[Repeat]) -> float:
            # A suite without a case of perfkit's takes what its processes take.
            none = durations.start_s * (of + 1 - number) if not cases else 0.0
            return none + sum(
                durations.of_process(repeat.case for repeat in kept if repeat.number == each)
                for each in range(number, of + 1)
            )

        left_s, whole_s = self.left_s, takes_s(repeats)
        if whole_s <= left_s:
            return []
        gone = [repeat for repeat in drop_to_fit(repeats, takes_s, left_s) if repeat.number == number]
        is_whole = len(gone) == len(cases)
        if gone or is_whole:
            some = f"replicate {number}" if number == of else f"replicates {number} to {of}"
            tell(f"--budget {self.text}: {_told(left_s)} left, and {some} would take {_told(whole_s)}")
            self.dropped[f"replicate-{number}"] = [repeat.case for repeat in gone]
        for line in [f"replicate {number} is dropped whole"] if is_whole else dropped_lines(gone, cases):
            tell(f"--budget {self.text}: {line}")
        return None if is_whole else [repeat.case for repeat in gone]

    def fitting(self, name: str, doubtful: Sequence[Row], runs: Sequence[Run]) -> list[CaseId]:
        """Those of the doubtful cases that can be measured again in time: what regressed comes first, then the short.

        The others are told on standard error.
        """
        durations = durations_here(runs)
        kept: list[CaseId] = []
        order = sorted(doubtful, key=lambda row: (row.verdict is not Verdict.REGRESSED, durations.of_case(row.case)))
        for row in order:
            if durations.of_process([*kept, row.case]) <= self.left_s:
                kept.append(row.case)
        gone = [row.case for row in doubtful if row.case not in kept]
        if gone:
            self.dropped[name] = gone
            tell(f"--budget {self.text}: {_told(self.left_s)} left: not measured again: {', '.join(map(str, gone))}")
        return sorted(kept)


def measured_cases(runs: Sequence[Run]) -> list[CaseId]:
    """What the first replicate was asked to measure; what it couldn't, another one can't either."""
    tried = (Status.MEASURED, Status.BROKEN)
    return [outcome.case for outcome in runs[0].outcomes if outcome.status in tried and outcome.variant]


def durations_here(runs: Sequence[Run]) -> Durations:
    """From what these runs' files say, and for a case of which they don't from the configuration here."""
    files = [read_run_json(Path(run.source)) for run in runs]
    return durations_of(files, usual_case_s(load_config(Path())))


def _told(seconds: float) -> str:
    """As minutes or, below five of them, as seconds."""
    return f"{seconds / 60:.0f} min" if seconds >= _SHORT_S else f"{max(0.0, seconds):.0f} s"
