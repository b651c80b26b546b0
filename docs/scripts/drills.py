"""Drills in the field, judged anew from their records: tables of docs/drills.md.

    python docs/scripts/drills.py --keep FOLDER BASELINE NAME    a drill's nights and its baseline → results/NAME
    python docs/scripts/drills.py                                those → docs/drills.md

FOLDER is one of ``drills/`` below a results folder: clean/, night-1/ and so on.
"""

from __future__ import annotations

import argparse
import lzma
import shutil
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from blocks import with_blocks
from gpu_records import load
from outcomes import RESULTS, STORED_H200, judged, read

from perfkit.catalog.fault import parse_fault
from perfkit.judge import field
from perfkit.report.drill import field_lines

if TYPE_CHECKING:
    from perfkit.judge.verdict import Judgement

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "drills.md"
DRILLS = {
    "drill-h200": "h200/2026-11-28-nights/drill",
    "drill-h200-repeated": "h200/2026-11-27-nights/drill",
    "drill-h100": "h100/2026-11-27-drill",
    "drill-cpu": "cpu/2026-11-27-drill",
}
SHOWN = ("python", "torch", "tensorrt", "openvino")
BASELINES = {"h200/2026-11-28-nights/drill": STORED_H200}
"""The stored one; other drills keep theirs in their folder."""
BASELINE = "baseline.json"
ON_CARD = "baseline-card-0"
"""Of a drill's baseline what was measured on the card that was drilled: beside the drill's folder."""
FAR = 0.005
SIDES = ("variant_device_s", "reference_device_s")


def keep(folder: Path, baseline: Path, name: str) -> None:
    """Every record of every night, and what they are judged against."""
    kept = RESULTS / name
    for path in sorted(folder.glob("*/replicate-*.json")):
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
    return judged(BASELINES.get(name, f"{name}/{BASELINE}"), f"{name}/{which}")


def table(name: str) -> list[str]:
    """One row a fault; below them what was said of the cases without one."""
    clean, nights = nights_of(name)
    lines = ["| fault | verdict | why | the clean night could see |", "|---|---|---|---|"]
    faults = [each for _, found in nights for each in found]
    for each in faults:
        could = each.clean.detectable_pct
        case, _, what = str(each.fault).rpartition("=")
        told = f"**{each.verdict}**" if each.named else f"{each.verdict}, missed"
        seen = "-" if could is None else f"{could:.1f}%"
        lines.append(f"| {case}: {what} | {told} | {each.reason or '-'} | {seen} |")
    demanded = [each for each in faults if each.is_demanded]
    alarms = [field.false_alarms(each, clean, [one.fault for one in found]) for each, found in nights]
    *_, of_clean, of_others = field_lines(clean, faults, [field.false_alarms(clean, clean), *alarms])
    untouched = sum(sum(row.compared for row in clean.rows) - len(found) for _, found in nights)
    run = next(iter(read(RESULTS / name / "clean")))
    software = run.replicate.software
    versions = ", ".join(f"{key} {software[key]}" for key in SHOWN if key in software)
    processes = ", ".join(str(each.run.replicates) for each in (clean, *(each for each, _ in nights)))
    before = clean.baseline.replicates if clean.baseline is not None else 0
    return [
        *lines,
        "",
        (
            f"{sum(each.named for each in faults)} of {len(faults)} named, {sum(each.named for each in demanded)} "
            f"of the {len(demanded)} that a gate must name. {of_clean[0].upper()}{of_clean[1:]}. {of_others}; they had "
            f"{untouched}. Processes a night: {processes}, against {before}. "
            f"{run.hardware.name} x{run.hardware.count}, {versions}, {run.replicate.datetime[:10]}."
        ),
    ]


def neighbours(name: str, later: str) -> list[str]:
    """One row a case: device times of both sides in the clean night, and in a later one by the order of its rounds."""
    heads = [f"{when}: {side}" for when in ("clean", f"{later}, R", f"{later}, V") for side in ("its", "reference's")]
    lines = [f"| case, device times in µs | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    clean, after = device_us(RESULTS / name / "clean"), device_us(RESULTS / name / later)
    for case, by_order in after.items():
        both = {key: [*clean[case]["R"][key], *clean[case]["V"][key]] for key in SIDES}
        cells = [f"{median(times[key]):.1f}" for times in (both, by_order["R"], by_order["V"]) for key in SIDES]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return lines


def moved(name: str, later: str) -> list[str]:
    """One row a case without a fault whose device time in a later night is none that it had before on this card.

    Before: in the clean night, and in the baseline's processes.
    """
    folders = ((RESULTS / name).parent / ON_CARD, RESULTS / name / "clean")
    before = [own_us(path) for folder in folders for path in records(folder)]
    (after,) = map(own_us, records(RESULTS / name / later))
    verdicts = {str(row.case): row.verdict for row in night(name, later).rows}
    touched = {str(each.fault.case) for _, found in nights_of(name)[1] for each in found}
    lines = [
        f"| case without a fault | device µs in {len(before)} processes before | that night | change | verdict |",
        "|---" * 5 + "|",
    ]
    changes = []
    for case, now in after.items():
        if case in touched:
            continue
        then = [times[case] for times in before]
        changes.append(now / median(then) - 1)
        if abs(changes[-1]) > FAR:
            told = f"{min(then):.1f} to {max(then):.1f} | {now:.1f} | {changes[-1]:+.1%} | {verdicts[case]}"
            lines.append(f"| {case} | {told} |")
    apart = [max(times) / min(times) - 1 for case in after for times in [[each[case] for each in before]]]
    told = f"differ by at most {max(apart):.1%}, in half of the cases by less than {median(apart):.1%}"
    widest = f"{max(changes, key=abs):+.1%}"
    farthest = f"Of {len(changes)} cases without a fault the one that moved farthest moved by {widest}"
    shown = lines if max(map(abs, changes)) > FAR else []
    return [*shown, "", f"{farthest}. The {len(before)} processes before {told}."]


def own_us(path: Path) -> dict[str, float]:
    """By case: the median of its own device times."""
    return {
        f"{case.model}/{case.variant}/{case.shape}": 1e6 * median(case.rounds.variant_device_s or ())
        for case in load(path)[1]
    }


def records(folder: Path) -> list[Path]:
    """A night's processes."""
    return sorted(folder.glob("replicate-*.json.xz"))


def device_us(folder: Path) -> dict[str, dict[str, dict[str, list[float]]]]:
    """By case, by the order of a round and by side: the device times of all rounds of all processes."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for path in records(folder):
        for case in load(path)[1]:
            of_case = found.setdefault(
                f"{case.model}/{case.variant}", {order: {key: [] for key in SIDES} for order in "RV"}
            )
            for key in SIDES:
                for order, time_s in zip(case.rounds.order, getattr(case.rounds, key) or (), strict=True):
                    of_case[order][key].append(1e6 * time_s)
    return found


def main() -> str:
    """The page with its tables made anew."""
    blocks = {block: table(name) for block, name in DRILLS.items()}
    blocks["drill-neighbours"] = neighbours(DRILLS["drill-h100"], "night-5")
    for block in ("drill-h200", "drill-h200-repeated"):
        blocks[f"{block}-moved"] = moved(DRILLS[block], "night-1")
    return with_blocks(PAGE, blocks)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", nargs=3, metavar=("FOLDER", "BASELINE", "NAME"))
    arguments = parser.parse_args()
    if arguments.keep:
        keep(Path(arguments.keep[0]), Path(arguments.keep[1]), arguments.keep[2])
    else:
        PAGE.write_text(main(), "utf-8")
