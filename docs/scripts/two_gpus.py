"""What two GPUs of one host are worth, from what docs/scripts/two_gpus.sh measured: a table of docs/shared-hosts.md.

    python docs/scripts/two_gpus.py                         results/h200/2026-11-27-two-gpus → docs/shared-hosts.md
    python docs/scripts/two_gpus.py FOLDER                  prints the tables of what the script left in FOLDER
    python docs/scripts/two_gpus.py --keep FOLDER           that → results/h200/2026-11-27-two-gpus, packed
    python docs/scripts/two_gpus.py --load PLATFORM FILE    keeps the GPU that is visible busy until it is killed

FILE appears when the load is at work, and tells how long its calls take.
"""

from __future__ import annotations

import argparse
import lzma
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from blocks import with_blocks
from packed import content

from perfkit.judge.metric import Metric
from perfkit.judge.student import quantile
from perfkit.record.read import read_run, read_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.record.replicate import Run

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "shared-hosts.md"
KEPT = ROOT / "results" / "h200" / "2026-11-27-two-gpus"
_BATCH = 256
"""So large that the card, not its host, decides how long a call takes; it was 32 in what is kept."""
_CALLS = 20
"""Between two looks at the clock."""
_TAIL = 0.025

Logs = dict["CaseId", float]
"""Of each case the log of its number."""


def logs(runs: Sequence[Run], metric: Metric) -> Logs:
    """Means over replicates, of the cases that all of them have; a spoiled sample counts for nothing."""
    each = [
        {
            s.case: math.log(metric.value_of(score))
            for s in run.replicate.sound
            if (score := metric.score(s)) is not None
        }
        for run in runs
    ]
    shared = set.intersection(*map(set, each)) if each else set()
    return {case: fmean(own[case] for own in each) for case in sorted(shared)}


def interval(values: Sequence[float]) -> str:
    """95%, by Student's t over the values; nothing of a single one."""
    if len(values) < 2:  # noqa: PLR2004 - one value has no spread
        return "—"
    half = quantile(_TAIL, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return f"{percent(fmean(values) - half)} to {percent(fmean(values) + half)}"


def percent(log: float) -> str:
    """The change that a difference of logs is, as in +1.25%."""
    return f"{100 * math.expm1(log):+.2f}%"


def neighbour(pairs: Sequence[tuple[Run, Run]]) -> list[str]:
    """How the first card's numbers change when the second is busy: pairs of replicates, the idle one first."""
    heads = ["mean over cases", "95% interval", "the case that changed most", "most in one pair"]
    lines = [
        f"| the other card busy instead of idle | {' | '.join(heads)} |",
        "|---|---|---|---|---|",
    ]
    shared: set[CaseId] = set()
    for metric in Metric:
        changes = [
            {case: after[case] - before for case, before in logs([idle], metric).items() if case in after}
            for idle, busy in pairs
            for after in [logs([busy], metric)]
        ]
        if not all(changes):
            continue  # a CPU has no device times
        shared = set.intersection(*map(set, changes))
        by_case = {case: fmean(change[case] for change in changes) for case in sorted(shared)}
        most = max(by_case, key=lambda case: abs(by_case[case]))
        by_pair = [fmean(change[case] for case in shared) for change in changes]
        lines.append(
            f"| {metric} | {percent(fmean(by_pair))} | {interval(by_pair)} | {most}: {percent(by_case[most])}"
            f" | {percent(max((change[case] for change in changes for case in shared), key=abs))} |"
        )
    return [*lines, "", f"{len(pairs)} pairs of replicates, {len(shared)} cases of the first card."]


def apart(title: str, sides: Sequence[Sequence[Run]]) -> list[str]:
    """How the second side's numbers differ from the first's."""
    lines = [f"| {title} | mean over cases | from case to case |", "|---|---|---|"]
    for metric in Metric:
        first, second = (logs(runs, metric) for runs in sides)
        changes = [second[case] - first[case] for case in first if case in second]
        if changes:
            least, most = percent(min(changes)), percent(max(changes))
            lines.append(f"| {metric} | {percent(fmean(changes))} | {least} to {most} |")
    return lines


def scatter(folder: Path) -> str:
    """How far one case's times lie apart over all processes, whichever card they were on and whatever the other did."""
    runs = [read_run(path) for path in sorted(folder.glob("*/replicate-*.json")) if path.parent.name != "merged"]
    told = []
    for metric in (Metric.DEVICE_TIME, Metric.WALL_TIME):
        found: dict[CaseId, list[float]] = {}
        for run in runs:
            for case, log in logs([run], metric).items():
                found.setdefault(case, []).append(log)
        if found:
            most = max(found, key=lambda case: max(found[case]) - min(found[case]))
            told.append(f"{metric}s of {most} by {percent(max(found[most]) - min(found[most]))}")
    return f"Over all {len(runs)} processes those of one case lie apart at the most: {', '.join(told)}."


def loads(folder: Path) -> list[str]:
    """What the neighbour told of itself last in each pair."""
    told = [(path.name.partition("-")[2], path.read_text("utf-8").strip()) for path in sorted(folder.glob("load-*"))]
    return [f"Pair {pair}: the neighbour's {text}." for pair, text in told]


def speed_up(seconds: dict[str, float]) -> list[str]:
    """Both cards at once against one."""
    both = seconds["shards"]
    return [
        "| the whole suite | s | so many times as fast |",
        "|---|---|---|",
        *(f"| on card {card} alone | {seconds[f'alone-{card}']:.0f} | |" for card in (0, 1)),
        f"| on both, a shard each | {both:.0f} | {seconds['alone-0'] / both:.2f} |",
    ]


def machines(runs: Iterable[Run], merged: Path) -> str:
    """What the records say that it was measured on."""
    from perfkit.record.json_file import read_json_object
    from perfkit.record.schema import RunRecord

    first = next(iter(runs))
    record = RunRecord.model_validate(read_json_object(merged)["perfkit"])
    who = "; ".join(
        f"shard {shard.number}: {', '.join(shard.models)} on {shard.machine.get('gpu_uuid', 'the CPU')}"
        for shard in record.shards
    )
    software = ", ".join(f"{name} {first.replicate.software[name]}" for name in ("python", "torch"))
    return f"{first.hardware.name}, {software}, {first.replicate.datetime[:10]}. {who}."


def tables(folder: Path) -> str:
    """All that the folder has. Raises UserError for records that can't be read."""
    seconds = dict(line.split("\t") for line in (folder / "seconds.tsv").read_text("utf-8").splitlines())
    alone = [read_runs(folder / f"alone-{card}") for card in (0, 1)]
    numbers = sorted(int(path.name.partition("-")[2]) for path in folder.glob("busy-*") if path.is_dir())
    pairs = [
        (read_run(folder / f"idle-{pair}" / "replicate-1.json"), read_run(folder / f"busy-{pair}" / "replicate-1.json"))
        for pair in numbers
    ]
    return "\n".join(
        [
            *speed_up({name: float(value) for name, value in seconds.items()}),
            "",
            machines(alone[0], min((folder / "merged").glob("*.json"))),
            "",
            *apart("the second card beside the first, each by itself", alone),
            "",
            *apart("merged shards beside the first card by itself", [alone[0], read_runs(folder / "merged")]),
            "",
            *neighbour(pairs),
            *loads(folder),
            "",
            scatter(folder),
        ]
    )


def keep(folder: Path) -> None:
    """Every record that the tables are made of, and what the script and the load told beside them."""
    shutil.rmtree(KEPT, ignore_errors=True)
    for path in sorted([*folder.glob("*/replicate-*.json"), *folder.glob("load-*"), folder / "seconds.tsv"]):
        kept = KEPT / path.relative_to(folder)
        kept.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".json":
            kept.with_name(f"{kept.name}.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
        else:
            shutil.copyfile(path, kept)


def main() -> str:
    """The page with its tables made anew."""
    with tempfile.TemporaryDirectory() as name:
        for path in (path for path in KEPT.rglob("*") if path.is_file()):
            plain = Path(name) / path.relative_to(KEPT).with_name(path.name.removesuffix(".xz"))
            plain.parent.mkdir(parents=True, exist_ok=True)
            plain.write_bytes(content(path))
        return with_blocks(PAGE, {"two-gpus": tables(Path(name)).split("\n")})


def load(platform: str, told: Path) -> None:
    """Calls of resnet50 without a pause, as a neighbour's service makes them."""
    from perfkit.catalog.case import Platform
    from perfkit.measure.affinity import pinned

    with pinned("gpu", Platform(platform)):  # before torch: its threads stay there
        import torch
        from torchvision.models import get_model

        device = torch.device("cuda" if platform == Platform.CUDA else "cpu")
        dtype = torch.float16 if platform == Platform.CUDA else torch.float32
        torch.set_num_threads(1)
        model = get_model("resnet50", weights=None).eval().to(device, dtype)
        pictures = torch.rand((_BATCH if platform == Platform.CUDA else 1, 3, 224, 224), device=device, dtype=dtype)
        with torch.inference_mode():
            while True:
                began = time.perf_counter()
                for _ in range(_CALLS):
                    model(pictures)
                if platform == Platform.CUDA:
                    torch.cuda.synchronize()
                call_ms = 1e3 * (time.perf_counter() - began) / _CALLS
                told.write_text(f"{call_ms:.3f} ms a call of resnet50, batch {len(pictures)}\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--load", nargs=2, metavar=("PLATFORM", "FILE"))
    given = parser.parse_args()
    if given.load is not None:
        load(given.load[0], Path(given.load[1]))
    elif given.keep is not None:
        keep(given.keep)
    elif given.folder is not None:
        sys.stdout.write(tables(given.folder) + "\n")
    else:
        PAGE.write_text(main(), "utf-8")
