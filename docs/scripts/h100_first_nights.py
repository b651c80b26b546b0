"""The tables of docs/h100-first-nights.md from the committed records: ``python docs/scripts/h100_first_nights.py``.

The tables stand between ``<!-- NAME -->`` and ``<!-- end -->``; tests/docs checks that the page is what this makes.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from blocks import with_blocks
from gpu_records import load, machine_lines, milliseconds, speedup

from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.record.baseline import Baseline
from perfkit.record.read import read_runs

if TYPE_CHECKING:
    from perfkit.judge.verdict import Row
    from perfkit.record.schema import CaseRecord

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "h100-first-nights.md"
RECORDS = ROOT / "results" / "h100"
RUN = RECORDS / "2026-11-25-stream-run1.json"
AGAIN = RECORDS / "2026-11-25-stream-run2" / "replicate-1.json"
NIGHT = RECORDS / "2026-11-25-night-unchanged" / "replicate-1.json"
NIGHT_SLOWED = RECORDS / "2026-11-25-night-slowed" / "replicate-1.json"
BUILDS = {"B": RECORDS / "2026-11-25-store-run1.json", "D": RUN, "E": NIGHT}
EVERY_RUN = {
    "host A": [
        "2026-11-25-quick-run1",
        "2026-11-25-quick-run2",
        "2026-11-25-resnet18-run3-slowed-10pct",
    ],
    "host B": [
        "2026-11-25-store-first-build",
        "2026-11-25-store-first-load",
        "2026-11-25-store-run1",
        "2026-11-25-store-run2",
        "2026-11-25-store-run3-slowed-10pct",
    ],
    "host C": ["2026-11-25-tests-gpu-run1", "2026-11-25-tests-gpu-run2", "2026-11-25-tests-gpu-run3"],
    "host D": [
        "2026-11-25-stream-run1",
        "2026-11-25-stream-run2/replicate-1",
        "2026-11-25-stream-run3-slowed-10pct",
    ],
    "host E": ["2026-11-25-night-unchanged/replicate-1", "2026-11-25-night-slowed/replicate-1"],
}
"""In the order of measuring; a process each. Engines ran on a stream of their own, from host D on on their caller's."""
SPREAD_RUNS = {host: [name for name in names if "first" not in name] for host, names in EVERY_RUN.items()}
"""Runs of several cases."""
SLOWED_CASE = ("resnet18", "trt-fp16", "1x3x224x224")
SHOWN = 8
"""Rows of the slowed run's judgement that the page shows."""


def latency_table(cases: list[CaseRecord]) -> list[str]:
    """One row a case."""
    lines = [
        "| model | variant | shape | rounds | device ms | device speedup | wall ms | wall speedup | lowest cosine |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        device, device_spread = speedup(case, "device")
        wall, wall_spread = speedup(case, "wall")
        lines.append(
            f"| {case.model} | {case.variant} | {case.shape} | {len(case.rounds.order)} "
            f"| {milliseconds(case.rounds.variant_device_s):.3f} | {device:.2f} ±{device_spread:.1%} "
            f"| {milliseconds(case.rounds.variant_wall_s):.2f} | {wall:.2f} ±{wall_spread:.0%} "
            f"| {case.agreement.cosine_min:.5f} |"
        )
    return lines


def repeat_table(first: list[CaseRecord], second: list[CaseRecord]) -> list[str]:
    """How far speedups moved between two runs: by variant, the largest and the root mean square over its cases."""
    later = {(c.model, c.variant, c.shape): c for c in second}
    moved: dict[tuple[str, str], list[float]] = {}
    for case in first:
        other = later[case.model, case.variant, case.shape]
        for clock in ("device", "wall"):
            change = math.log(speedup(other, clock)[0] / speedup(case, clock)[0])
            moved.setdefault((case.variant, clock), []).append(change)
    lines = [
        "| variant | cases | device: root mean square | device: largest | wall: root mean square | wall: largest |",
        "|---|---|---|---|---|---|",
    ]
    for variant in dict.fromkeys(case.variant for case in first):
        cells = []
        for clock in ("device", "wall"):
            changes = moved[variant, clock]
            mean = math.sqrt(sum(change**2 for change in changes) / len(changes))
            cells += [f"{mean:.1%}", f"{math.expm1(max(changes, key=abs)):+.1%}"]
        lines.append(f"| {variant} | {len(moved[variant, 'wall'])} | {' | '.join(cells)} |")
    return lines


def gate_table() -> list[str]:
    """The slowed run against the unchanged one, as ``perfkit compare`` gives it: what fails, and what comes nearest."""
    rows = [row for row in judge(baseline_of(NIGHT), read_runs(NIGHT_SLOWED)).rows if row.compared]
    lines = [
        "| case | verdict | device speedup | detects | its device time | detects | the reference's |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=change)[:SHOWN]:
        metric, time = row.metric(Metric.DEVICE_SPEEDUP), row.metric(Metric.DEVICE_TIME)
        assert metric is not None
        assert time is not None
        before, after = (
            {(c.model, c.variant, c.shape): c.rounds for c in load(path)[1]}[row.case] for path in (NIGHT, NIGHT_SLOWED)
        )
        own = milliseconds(after.variant_device_s) / milliseconds(before.variant_device_s) - 1
        reference = milliseconds(after.reference_device_s) / milliseconds(before.reference_device_s) - 1
        lines.append(
            f"| {row.case} | {row.verdict} | {metric.change_pct:+.1f}% | {metric.detectable_pct:.1f}% "
            f"| {own:+.1%} | {time.detectable_pct:.1f}% | {reference:+.1%} |"
        )
    return lines


def change(row: Row) -> float:
    """The change of the device speedup in percent."""
    metric = row.metric(Metric.DEVICE_SPEEDUP)
    return 0.0 if metric is None or metric.change_pct is None else metric.change_pct


def baseline_of(path: Path) -> Baseline:
    """One run as a baseline."""
    (run,) = read_runs(path)
    return Baseline(path.name, run.hardware, (run.replicate,))


def speeds_table() -> list[str]:
    """The same model's engines in every process that measured them: where they came from, and how fast they were."""
    lines = [
        "| host | record | engine | digest | 112 | 224 | 448 |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant in ("trt-fp16", "trt-int8"):
        for host, names in EVERY_RUN.items():
            for name in names:
                cases = {
                    case.shape.rpartition("x")[2]: case
                    for case in load(RECORDS / f"{name}.json")[1]
                    if (case.model, case.variant) == ("resnet18", variant)
                }
                if not cases:
                    continue
                facts = next(iter(cases.values())).facts
                came = "from the store" if facts.from_store else "built"
                cells = [microseconds(cases[size]) if size in cases else "" for size in ("112", "224", "448")]
                digest = (facts.engine_sha256 or "")[:6]
                lines.append(
                    f"| {host} | {name.removeprefix('2026-11-25-')} | {variant}, {came} | {digest} "
                    f"| {' | '.join(cells)} |"
                )
    return lines


def builds_table() -> list[str]:
    """The same models built with timing caches that knew more or less of them."""
    lines = [
        "| model | variant | host | cache MB before | build s | layers | layer outputs | engine MB | 112 | 224 | 448 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    runs = {host: load(path)[1] for host, path in BUILDS.items()}
    for key in dict.fromkeys((case.model, case.variant) for case in runs["D"] if case.facts.engines):
        for host, cases in runs.items():
            shapes = {c.shape.rpartition("x")[2]: c for c in cases if (c.model, c.variant) == key}
            facts = next(iter(shapes.values())).facts
            formats = ", ".join(f"{count} {name}" for name, count in (facts.layer_formats or {}).items())
            times = [f"{milliseconds(shapes[size].rounds.variant_device_s) * 1e3:.0f}" for size in shapes]
            lines.append(
                f"| {key[0]} | {key[1]} | {host} | {(facts.timing_cache_bytes or 0) / 1e6:.1f} | {facts.build_s:.0f} "
                f"| {facts.layers} | {formats} | {(facts.engine_bytes or 0) / 1e6:.1f} | {' | '.join(times)} |"
            )
    return lines


def spread_table() -> list[str]:
    """How far one process is from another on the same host, by what the variant is: root mean squares over cases."""
    lines = [
        "| host | pairs of runs | variant | cases | own device time | device speedup |",
        "|---|---|---|---|---|---|",
    ]
    for host, names in SPREAD_RUNS.items():
        pairs = list(itertools.combinations(names, 2))
        changes = [change for one, other in pairs for change in changes_between(one, other)]
        for variant in ("eager-fp16", "trt-fp16", "trt-int8"):
            moved = [(own, speedup) for name, own, speedup in changes if name == variant]
            cells = [f"{math.sqrt(sum(m[i] ** 2 for m in moved) / len(moved) / 2):.1%}" for i in (0, 1)]
            lines.append(f"| {host} | {len(pairs)} | {variant} | {len(moved)} | {' | '.join(cells)} |")
    return lines


def changes_between(one: str, other: str) -> list[tuple[str, float, float]]:
    """Each case's variant, with the log change of its device time less the common shift, and of its speedup."""
    before, after = (
        {(c.model, c.variant, c.shape): c.rounds for c in load(RECORDS / f"{name}.json")[1]} for name in (one, other)
    )
    both = [key for key in before if key in after]

    def moved(side: str) -> dict[tuple[str, str, str], float]:
        field = f"{side}_device_s"
        return {key: math.log(median(getattr(after[key], field)) / median(getattr(before[key], field))) for key in both}

    own, reference = moved("variant"), moved("reference")
    of_references, of_variants = median(reference.values()), median(own.values())
    shift = min(of_references, of_variants, key=abs) if of_references * of_variants > 0 else 0.0
    return [(key[1], own[key] - shift, own[key] - reference[key]) for key in both if key != SLOWED_CASE]


def microseconds(case: CaseRecord) -> str:
    """The median device time and the width of the middle half of the rounds, in µs."""
    times_s = sorted(case.rounds.variant_device_s or [math.nan])
    quarter = len(times_s) // 4
    return f"{median(times_s) * 1e6:.0f} (±{(times_s[-quarter - 1] - times_s[quarter]) / 2 * 1e6:.1f})"


def main() -> str:
    """The page with its tables made anew."""
    run, cases = load(RUN)
    tables = {
        "machine": machine_lines(run),
        "latency": latency_table(cases),
        "builds": builds_table(),
        "repeat": repeat_table(cases, load(AGAIN)[1]),
        "gate": gate_table(),
        "speeds": speeds_table(),
        "spread": spread_table(),
    }
    return with_blocks(PAGE, tables)


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
