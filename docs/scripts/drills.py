"""Drills in the field, judged anew from their records: tables of docs/judging.md.

    python docs/scripts/drills.py --keep FOLDER BASELINE NAME    a drill's nights and its baseline → results/NAME
    python docs/scripts/drills.py                                those → docs/judging.md

FOLDER is one of ``drills/`` below a results folder: clean/, night-1/ and so on.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from blocks import with_blocks
from outcomes import RESULTS, judged, read

from perfkit.catalog.fault import parse_fault
from perfkit.judge import field
from perfkit.judge.verdict import Verdict

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement, Row

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "judging.md"
DRILLS = {"drill-h100": "h100/2026-11-27-drill", "drill-cpu": "cpu/2026-11-27-drill"}
SHOWN = ("python", "torch", "tensorrt", "openvino")
BASELINE = "baseline.json"


def keep(folder: Path, baseline: Path, name: str) -> None:
    """Every record of every night, and what they are judged against."""
    kept = RESULTS / name
    nights = [path for path in sorted(folder.glob("*/replicate-*.json")) if path.parent.name != "journals"]
    for path in nights:
        packed = kept / path.parent.name / f"{path.name}.xz"
        packed.parent.mkdir(parents=True, exist_ok=True)
        packed.write_bytes(lzma.compress(path.read_bytes(), preset=9))
    shutil.copyfile(baseline, kept / BASELINE)


def nights_of(name: str) -> tuple[Judgement, list[tuple[Judgement, list[field.Seen]]]]:
    """The clean night, and each other with what it said of its faults."""
    clean = night(name, "clean")
    found = []
    folders = sorted((RESULTS / name).glob("night-*"), key=lambda path: int(path.name.partition("-")[2]))
    for folder in folders:
        (injected,) = {run.injected for run in read(folder)}
        faults = [parse_fault(text) for text in (injected or "").split(", ")]
        judgement = night(name, folder.name)
        found.append((judgement, field.seen(faults, judgement, clean)))
    return clean, found


def night(name: str, which: str) -> Judgement:
    """One night by the rule of today."""
    return judged(f"{name}/{BASELINE}", f"{name}/{which}")


def table(name: str) -> list[str]:
    """One row a fault; below them what was said of the cases without one."""
    clean, nights = nights_of(name)
    lines = ["| fault | verdict | why | the clean night could see |", "|---|---|---|---|"]
    for _, found in nights:
        for each in found:
            could = each.clean.detectable_pct
            case, _, what = str(each.fault).rpartition("=")
            told = f"**{each.verdict}**" if each.named else f"{each.verdict}, missed"
            seen = "-" if could is None else f"{could:.1f}%"
            lines.append(f"| {case}: {what} | {told} | {each.reason or '-'} | {seen} |")
    faults = [each for _, found in nights for each in found]
    demanded = [each for each in faults if each.is_demanded]
    blind = [row for row in clean.rows if row.compared and row.verdict is Verdict.INCONCLUSIVE]
    alarms = [field.false_alarms(each, clean, [one.fault for one in found]) for each, found in nights]
    untouched = sum(sum(row.compared for row in clean.rows) - len(found) for _, found in nights)
    run = next(iter(read(RESULTS / name / "clean")))
    software = run.replicate.software
    versions = ", ".join(
        f"{key} {software[key]}" for key in ("python", "torch", "tensorrt", "openvino") if key in software
    )
    clean_alarms = falsely([field.false_alarms(clean, clean)])
    before = clean.baseline.replicates if clean.baseline is not None else 0
    return [
        *lines,
        "",
        (
            f"{sum(each.named for each in faults)} of {len(faults)} named, {sum(each.named for each in demanded)} "
            f"of the {len(demanded)} that a gate must name. The clean night: {clean_alarms} "
            f"of {len(clean.rows)} cases, {len(blind)} INCONCLUSIVE; the nights with faults: {falsely(alarms)} "
            f"of {untouched} cases without one. {clean.run.replicates} processes a night against {before}. "
            f"{run.hardware.name} x{run.hardware.count}, {versions}, {run.replicate.datetime[:10]}."
        ),
    ]


def falsely(alarms: list[list[Row]]) -> str:
    """How many were named that have no fault, and which."""
    rows = [f"{row.case} {row.verdict}" for night in alarms for row in night]
    return f"{len(rows)} named falsely" + (f" ({', '.join(rows)})" if rows else "")


def main() -> str:
    """The page with its tables made anew."""
    return with_blocks(PAGE, {block: table(name) for block, name in DRILLS.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", nargs=3, metavar=("FOLDER", "BASELINE", "NAME"))
    arguments = parser.parse_args()
    if arguments.keep:
        keep(Path(arguments.keep[0]), Path(arguments.keep[1]), arguments.keep[2])
    else:
        PAGE.write_text(main(), "utf-8")
