"""What becomes of a night in which many cases got slower, each differently: ``python docs/scripts/many_slowed.py``.

A table of docs/judging.md: the unchanged night of results/h200/2026-11-28-nights/ against the stored baseline, with
cases slowed in its recorded numbers.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from blocks import with_blocks
from outcomes import read

from perfkit.catalog.case import REFERENCE_VARIANT
from perfkit.judge.compare import judge
from perfkit.judge.drill import slowed_sample
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import read_baseline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perfkit.catalog.case import CaseId
    from perfkit.judge.verdict import Judgement
    from perfkit.record.replicate import Run

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "judging.md"
BASELINE = ROOT / "results" / "baselines" / "nvidia-h200-x1-140gib.json"
NIGHT = ROOT / "results" / "h200" / "2026-11-28-nights" / "unchanged-1"
SHARES = (0.1, 0.3, 0.4, 0.45, 0.5, 0.75)
LEAST, MOST = 0.05, 0.20
NIGHTS = 10


def table() -> list[str]:
    """A row a share of the cases."""
    baseline, runs = read_baseline(BASELINE), list(read(NIGHT))
    names = sorted({each.case for run in runs for each in run.replicate.samples})
    cases = [case for case in names if case.variant != REFERENCE_VARIANT]
    rng = random.Random("many slowed")  # noqa: S311 - a simulation
    lines = [
        "| slowed | of them REGRESSED | INCONCLUSIVE | PASS | the others REGRESSED | exit codes |",
        "|---" * 6 + "|",
    ]
    for share in SHARES:
        count = round(share * len(cases))
        found: list[Counter[str]] = []
        codes: Counter[int] = Counter()
        for _ in range(NIGHTS):
            slower = {case: rng.uniform(LEAST, MOST) for case in rng.sample(cases, count)}
            judgement = judge(baseline, [_slowed(run, slower) for run in runs])
            found.append(_seen(judgement, slower))
            codes[int(judgement.exit_code)] += 1
        middles = [
            f"{median(night[what] for night in found):g}" for what in ("REGRESSED", "INCONCLUSIVE", "PASS", "others")
        ]
        ended = ", ".join(f"{code} in {times}" for code, times in sorted(codes.items()))
        lines.append(f"| {count} of {len(cases)} | {' | '.join(middles)} | {ended} |")
    return lines


def _slowed(run: Run, slower: Mapping[CaseId, float]) -> Run:
    samples = [slowed_sample(each, slower.get(each.case, 0.0)) for each in run.replicate.samples]
    return run.model_copy(update={"replicate": run.replicate.model_copy(update={"samples": samples})})


def _seen(judgement: Judgement, slower: Mapping[CaseId, float]) -> Counter[str]:
    seen = Counter(str(row.verdict) for row in judgement.rows if row.case in slower)
    seen["others"] = sum(row.verdict is Verdict.REGRESSED for row in judgement.rows if row.case not in slower)
    return seen


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"many-slowed": table()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
