"""How often rules cry wolf and what they miss, on replicates that were really recorded; the tables of docs/study.md.

    python docs/scripts/study.py --condense NAME FOLDER...   replicates of ``perfkit run`` → results/study/NAME.json
                                 [--without CASE]            all cases but one, which was slowed in some of the runs
    python docs/scripts/study.py --judge NAME                that → results/study/NAME-outcome.json
    python docs/scripts/study.py                             the outcomes → docs/study.md, docs/study.svg

COMMITTED says which of results/ a set is made of, h100-replayed without resnet18/trt-fp16/1x3x224x224.

A night is dealt from the processes of a file, whole, for what a process's cases have in common is part of what a rule
must cope with: five processes for the baseline, three (or one) of the others for the night. Nothing differs between the
sides but chance, until one case is slowed.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from gpu_host import tell
from outcomes import read
from packed import content
from study_picture import draw
from study_rules import RULES, Night, Replica

from perfkit.catalog.case import REFERENCE_VARIANT, CaseId
from perfkit.record.modes import round_modes
from perfkit.record.replicate import Sample, rounded
from perfkit.record.schema import Hardware

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "study.md"
FOLDER = ROOT / "results" / "study"
SPLITS, FEWER = ((5, 3), (5, 1)), ((4, 3), (4, 1))
"""Replicates of the baseline and of the night; the second where fewer processes were recorded."""
SLOWER = (0.02, 0.03, 0.05, 0.10)
NAMES = ("cpu", "h100", "h100-replayed", "h100-graphs", "h100-repeated", "h200-nights", "h200-cold")
COMMITTED = {
    "h100-replayed": ("h100/2026-11-26-nights/*",),
    "h100-graphs": ("h100/2026-11-26-study/*", "h100/2026-11-27-study", "h100/2026-11-27-drill/clean"),
    "h100-repeated": ("h100/2026-11-27-repeated",),
    "h200-nights": ("h200/2026-11-27-nights/*", "h200/2026-11-27-nights/drill/clean"),
    "h200-cold": ("h200/2026-11-28-nights/*", "h200/2026-11-28-nights/drill/clean"),
}
"""Folders of replicates; the processes of the other sets aren't committed whole."""
_KEPT = ("device_by",)
"""Of what makes samples comparable: all processes of a set are."""
CLEAN_NIGHTS, SLOWED_NIGHTS = 1000, 400


def condensed(folders: Sequence[Path], without: str | None) -> dict[str, Any]:
    """What the rules need of the replicates in the folders: rounds of the deciding clock, and perfkit's reduction."""
    paths = [path for folder in folders for path in folder.glob("replicate-*.json*")]
    found = [(run, json.loads(content(path))) for path in paths for run in read(path)]
    found.sort(key=lambda one: one[0].replicate.datetime)
    runs = [run for run, _ in found]
    cases: dict[str, list[dict[str, Any]]] = {}
    for run, data in found:
        rounds: dict[CaseId, list[float]] = {}
        for benchmark in data["benchmarks"]:
            record = benchmark["extra_info"]["perfkit"]
            of = record["rounds"]
            case = CaseId(record["model"], record["variant"], record["shape"])
            rounds[case] = of["variant_device_s"] or of["variant_wall_s"]
        for sample in run.replicate.samples:
            if str(sample.case) == without:
                continue
            kept = sample.model_dump(mode="json", exclude={"comparability", "facts", "agreement", "costs"})
            kept["comparability"] = {key: sample.comparability[key] for key in _KEPT if key in sample.comparability}
            times_s = [rounded(time) for time in rounds[sample.case]]
            cases.setdefault(str(sample.case), []).append({"times_s": times_s, "sample": kept})
    software = {key: runs[0].replicate.software.get(key) for key in ("python", "torch", "openvino", "tensorrt")}
    return {
        "hardware": runs[0].hardware.model_dump(mode="json"),
        "software": {key: value for key, value in software.items() if value},
        "commit": ", ".join(dict.fromkeys(run.replicate.short_commit for run in runs)),
        "first": runs[0].replicate.datetime,
        "last": runs[-1].replicate.datetime,
        "cases": cases,
    }


def condense(name: str, folders: Sequence[Path], without: str | None) -> None:
    """Keeps that under a name."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(condensed(folders, without), separators=(",", ":")) + "\n"
    (FOLDER / f"{name}.json").write_text(text, "utf-8")


def judge_nights(name: str) -> None:
    """Every rule on the same nights."""
    data = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    pool = {case: replicas(rows) for case, rows in data["cases"].items() if f"/{REFERENCE_VARIANT}/" not in case}
    hardware = Hardware.model_validate(data["hardware"])
    outcome: dict[str, Any] = {key: data[key] for key in ("hardware", "software", "commit", "first", "last")}
    outcome |= {"recorded_cases": len(pool), "processes": min(map(len, pool.values())), "splits": []}
    for before, after in SPLITS if outcome["processes"] >= sum(SPLITS[0]) else FEWER:
        rows = {rule: outcomes(rule, pool, hardware, before, after) for rule in RULES}
        outcome["splits"].append({"baseline": before, "night": after, "rules": rows})
    (FOLDER / f"{name}-outcome.json").write_text(json.dumps(outcome, indent=1) + "\n", "utf-8")


def replicas(rows: Sequence[dict[str, Any]]) -> list[Replica]:
    """One case's processes."""
    found = []
    for row in rows:
        sample = Sample.model_validate({"comparability": {}, **row["sample"]})
        # Condensed before modes were looked for among the rounds.
        clock = "wall" if sample.device is None else "device"
        timing = getattr(sample, clock).model_copy(update={"modes": round_modes(row["times_s"])})
        found.append(Replica(tuple(row["times_s"]), sample.model_copy(update={clock: timing})))
    return found


def outcomes(
    rule: str, pool: Mapping[str, Sequence[Replica]], hardware: Hardware, before: int, after: int
) -> dict[str, Any]:
    """Of clean nights the share with any alarm and the share of cases; of slowed cases the share that was named."""
    rng = random.Random(f"{before} {after}")  # noqa: S311 - the same nights for every rule
    alarms = [len(RULES[rule](night_of(pool, hardware, before, after, rng))) for _ in range(CLEAN_NIGHTS)]
    found = {}
    for share in SLOWER:
        named = 0
        for number in range(SLOWED_NIGHTS):
            night = night_of(pool, hardware, before, after, rng)
            hurt = list(night.current)[number % len(night.current)]
            current = {**night.current, hurt: [replica.slowed(share) for replica in night.current[hurt]]}
            named += hurt in RULES[rule](Night(night.baseline, current, hardware))
        found[f"{share:.0%}"] = named / SLOWED_NIGHTS
    tell(f"{rule} {before}:{after} {alarms.count(0) / CLEAN_NIGHTS:.2f} quiet, {found}")
    return {
        "nights_with_alarm": sum(count > 0 for count in alarms) / CLEAN_NIGHTS,
        "cases_with_alarm": sum(alarms) / CLEAN_NIGHTS / len(pool),
        "caught": found,
    }


def night_of(
    pool: Mapping[str, Sequence[Replica]], hardware: Hardware, before: int, after: int, rng: random.Random
) -> Night:
    """All cases of the processes that were dealt to each side."""
    processes = min(map(len, pool.values()))
    dealt = rng.sample(range(processes), before + after)
    sides: list[dict[CaseId, list[Replica]]] = [
        {CaseId(*name.split("/")): [rows[process] for process in chosen] for name, rows in sorted(pool.items())}
        for chosen in (dealt[:before], dealt[before:])
    ]
    return Night(sides[0], sides[1], hardware)


def table(outcome: dict[str, Any]) -> list[str]:
    """One row a rule and split."""
    heads = [f"caught at {share:.0%}" for share in SLOWER]
    lines = [
        f"| rule | baseline, night | clean nights with an alarm | clean cases with one | {' | '.join(heads)} |",
        "|---" * (4 + len(heads)) + "|",
    ]
    for split in outcome["splits"]:
        for rule, row in split["rules"].items():
            caught = " | ".join(f"{share:.0%}" for share in row["caught"].values())
            lines.append(
                f"| {rule} | {split['baseline']}, {split['night']} | {row['nights_with_alarm']:.1%} "
                f"| {row['cases_with_alarm']:.2%} | {caught} |"
            )
    where = f"{outcome['hardware']['name']} x{outcome['hardware']['count']}"
    one_day = outcome["first"][:10] == outcome["last"][:10]
    when = f"{outcome['first'][:16]} to {outcome['last'][11 if one_day else 0 : 16]}"
    told = ", ".join(f"{name} {version}" for name, version in outcome["software"].items())
    drawn = f"{CLEAN_NIGHTS} clean nights of {outcome['recorded_cases']} cases, {SLOWED_NIGHTS} slowed ones a size"
    measured = f"{outcome['processes']} processes of {outcome['recorded_cases']} cases on {where}, {when}"
    lines += ["", f"{measured}; {told}; commit {outcome['commit']}. {drawn}."]
    return lines


def spread_table(name: str) -> list[str]:
    """One row a case: how far its processes lie apart, by the deciding clock."""
    cases = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["cases"]
    lines = ["| case | its time, µs | the reference's, µs | sd of the speedup |", "|---|---|---|---|"]
    for case, rows in cases.items():
        if f"/{REFERENCE_VARIANT}/" in case:
            continue
        timings = [row["sample"]["device"] or row["sample"]["wall"] for row in rows]
        own, reference = ([1e6 * timing[f"{side}_s"] for timing in timings] for side in ("variant", "reference"))
        lines.append(
            f"| {case} | {min(own):.1f} to {max(own):.1f} | {min(reference):.0f} to {max(reference):.0f} "
            f"| {stdev(timing['log_speedup'] for timing in timings):.1%} |"
        )
    return lines


def main() -> str:
    """The page with its tables made anew."""
    blocks = {name: table(read_outcome(name)) for name in NAMES}
    return with_blocks(PAGE, blocks | {f"{name}-spread": spread_table(name) for name in NAMES})


def read_outcome(name: str) -> dict[str, Any]:
    """What was judged of a set of processes."""
    outcome: dict[str, Any] = json.loads((FOLDER / f"{name}-outcome.json").read_text("utf-8"))
    return outcome


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--condense", nargs="+", metavar=("NAME", "FOLDER"))
    parser.add_argument("--without", metavar="CASE")
    parser.add_argument("--judge", metavar="NAME")
    asked = parser.parse_args()
    if asked.condense:
        condense(asked.condense[0], [Path(folder) for folder in asked.condense[1:]], asked.without)
    elif asked.judge:
        judge_nights(asked.judge)
    else:
        PAGE.write_text(main(), "utf-8")
        draw({name: read_outcome(name) for name in NAMES}, PAGE.with_suffix(".svg"))
