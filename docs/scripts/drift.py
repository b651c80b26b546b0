"""How often drift is told that isn't there, and how often one that is; the table of docs/baselines.md.

    python docs/scripts/drift.py --judge     recorded processes → results/study/drift-outcome.json
    python docs/scripts/drift.py             that → docs/baselines.md

Processes of a file of the study are dealt, whole: four for the anchors, four for the baseline, two for the night.
Nothing differs between them but chance, until one case is slower in baseline and night alike, as by steps that were all
promoted.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from study import replicas
from study_rules import replicates_of

from perfkit.catalog.case import REFERENCE_VARIANT, CaseId
from perfkit.judge.anchors import anchors_of
from perfkit.judge.compare import judge
from perfkit.record.baseline import Baseline
from perfkit.record.replicate import Run
from perfkit.record.schema import Hardware

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from study_rules import Replica

    from perfkit.judge.verdict import Judgement

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "baselines.md"
STUDY = ROOT / "results" / "study"
OUTCOME = STUDY / "drift-outcome.json"
NAMES = {
    "h100": "H100, queued device times",
    "h100-repeated": "H100, each graph timed behind itself",
    "cpu": "2 cores of a shared machine",
}
ANCHORS, BASELINE, NIGHT = 4, 4, 2
SLOWER = (0.12, 0.15, 0.20, 0.30)
CLEAN_NIGHTS, DRIFTED_NIGHTS = 1000, 400

Pool = dict[CaseId, list["Replica"]]


def judge_nights() -> None:
    """The outcome, from the recorded processes."""
    found: dict[str, Any] = {"anchors": ANCHORS, "baseline": BASELINE, "night": NIGHT, "clean_nights": CLEAN_NIGHTS}
    for name in NAMES:
        data = json.loads((STUDY / f"{name}.json").read_text("utf-8"))
        recorded = data["cases"].items()
        pool = {CaseId(*case.split("/")): replicas(rows) for case, rows in recorded if REFERENCE_VARIANT not in case}
        found[name] = outcome(pool, Hardware.model_validate(data["hardware"]))
    OUTCOME.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def outcome(pool: Pool, hardware: Hardware) -> dict[str, Any]:
    """Of clean nights the share in which any case has drifted, and of drifted cases the share that is told."""
    rng = random.Random("drift")  # noqa: S311 - a simulation
    falsely = sum(bool(drifted(night(pool, hardware, rng))) for _ in range(CLEAN_NIGHTS))
    told = {}
    for share in SLOWER:
        named = 0
        for number in range(DRIFTED_NIGHTS):
            hurt = list(pool)[number % len(pool)]
            named += hurt in drifted(night(pool, hardware, rng, hurt, share))
        told[f"{share:.0%}"] = named / DRIFTED_NIGHTS
    return {"cases": len(pool), "clean_nights_with_drift": falsely / CLEAN_NIGHTS, "told": told}


def drifted(judgement: Judgement) -> set[CaseId]:
    """The cases that are past their tolerance."""
    return {row.case for row in judgement.rows if row.drift_pct is not None}


def night(
    pool: Pool, hardware: Hardware, rng: random.Random, hurt: CaseId | None = None, share: float = 0.0
) -> Judgement:
    """Two processes against four whose anchors are four others."""
    processes = min(map(len, pool.values()))
    dealt = rng.sample(range(processes), ANCHORS + BASELINE + NIGHT)
    first, before, after = dealt[:ANCHORS], dealt[ANCHORS:-NIGHT], dealt[-NIGHT:]
    slow = {} if hurt is None else {hurt: share}
    anchors = anchors_of(Baseline("first", hardware, tuple(replicates_of(_chosen(pool, first, {}), "first"))))
    baseline = tuple(replicates_of(_chosen(pool, before, slow), "baseline"))
    runs = [
        Run(source=replicate.run_id, hardware=hardware, replicate=replicate, outcomes=[])
        for replicate in replicates_of(_chosen(pool, after, slow), "current")
    ]
    return judge(Baseline("baseline", hardware, baseline, anchors=tuple(anchors)), runs)


def _chosen(pool: Pool, processes: Sequence[int], slow: Mapping[CaseId, float]) -> Pool:
    return {
        case: [rows[process].slowed(slow[case]) if case in slow else rows[process] for process in processes]
        for case, rows in sorted(pool.items())
    }


def table() -> list[str]:
    """One row a machine."""
    found = json.loads(OUTCOME.read_text("utf-8"))
    sizes = [f"{share:.0%}" for share in SLOWER]
    lines = [f"| | nights without drift in which some is told | {' | '.join(f'{s} slower, told' for s in sizes)} |"]
    lines.append("|---" * (2 + len(sizes)) + "|")
    for name, title in NAMES.items():
        row = found[name]
        told = " | ".join(f"{row['told'][size]:.0%}" for size in sizes)
        lines.append(f"| {title}, {row['cases']} cases | {row['clean_nights_with_drift']:.1%} | {told} |")
    return lines


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"drift": table()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", action="store_true")
    if parser.parse_args().judge:
        judge_nights()
    else:
        PAGE.write_text(main(), "utf-8")
