"""The schedule of ``perfkit run --on`` over 1 to 512 GPUs that aren't there, with 10,000 cases.

The schedule is the real one; the clock is made up. Models are drawn from those that were measured on an H100
(results/h100/tensorrt): how many cases each has, what their calls took, what loading and building their engines took.
What a unit takes differs from its estimate as much as two runs of the same cases did (results/h100, store-run1 and 2).

    python benchmarks/scale/simulation.py     → results/cpu/2026-11-26-fleet-simulation.json
"""

from __future__ import annotations

import datetime as dt
import json
import lzma
import math
import platform
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median, pstdev
from typing import TYPE_CHECKING, Any

from perfkit.fleet.schedule import Device, Unit
from perfkit.fleet.simulate import Simulated, simulate
from perfkit.replicates.durations import BESIDE_ROUNDS, MODEL_S, START_S

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "results" / "cpu" / "2026-11-26-fleet-simulation.json"
H100 = ROOT / "results" / "h100"
GPUS = (1, 4, 16, 64, 256, 512)
CASES, REPLICATES, SEED = 10_000, 3, 20261126
OVERHEAD_S = START_S + MODEL_S
DYING = 0.05
"""Of the nodes, each at a moment of its own within the time that the night would take; a node has one GPU here."""


@dataclass(frozen=True)
class Recorded:
    """A model as it was measured."""

    cases_s: tuple[float, ...]
    variants: int
    load_s: float
    build_s: float
    """Each engine once; a ``-graph`` variant has its plain one's."""


def recorded() -> list[Recorded]:
    """The models of the TensorRT suite, whose two files of vit_b_16 are one model."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for path in sorted((H100 / "tensorrt").glob("*.json.xz")):
        for benchmark in json.loads(lzma.decompress(path.read_bytes()))["benchmarks"]:
            record = benchmark["extra_info"]["perfkit"]
            entries.setdefault(record["model"], []).append(record)
    models = []
    for records in entries.values():
        facts = {record["variant"]: record["facts"] for record in records}
        models.append(
            Recorded(
                cases_s=tuple(BESIDE_ROUNDS * timed_s(record) for record in records),
                variants=len(facts),
                load_s=sum(each["load_s"] or each["build_s"] for each in facts.values()),
                build_s=sum(each["build_s"] for name, each in facts.items() if not name.endswith("-graph")),
            )
        )
    return models


def timed_s(record: dict[str, Any]) -> float:
    """What the timed calls of a case took together."""
    rounds = record["rounds"]
    return float(
        sum(
            rounds.get(f"{side}_calls", 1) * (sum(rounds[f"{side}_wall_s"]) + sum(rounds[f"{side}_device_s"] or []))
            for side in ("reference", "variant")
        )
    )


def spread() -> float:
    """Standard deviation on the log scale of what a case takes, from one run of it to the next."""
    runs = []
    for number in (1, 2):
        data = json.loads((H100 / f"2026-11-25-store-run{number}.json").read_text("utf-8"))
        runs.append({each["name"]: timed_s(each["extra_info"]["perfkit"]) for each in data["benchmarks"]})
    first, second = runs
    return pstdev(math.log(second[name] / first[name]) for name in first) / math.sqrt(2)


@dataclass(frozen=True)
class Night:
    """Units with what they really take, by replicate and model."""

    units: list[Unit]
    takes_s: dict[tuple[str, str], float]
    cases: int

    def really_s(self, unit: Unit) -> float:
        """What the unit takes, or a piece of it."""
        return OVERHEAD_S + (self.takes_s[unit.replicate, unit.model] - OVERHEAD_S) / unit.pieces


def night(cases: int, *, is_cold: bool, seed: int = SEED) -> Night:
    """Models until there are so many cases; in a cold night their engines are built by the first replicate."""
    rng = random.Random(seed)  # noqa: S311 - a made-up night
    models, noise = recorded(), spread()
    units: list[Unit] = []
    takes_s: dict[tuple[str, str], float] = {}
    count = 0
    while count < cases:
        model = rng.choice(models)
        times_s = model.cases_s[: cases - count]
        count += len(times_s)
        for replicate in range(1, REPLICATES + 1):
            engines_s = model.build_s if is_cold and replicate == 1 else model.load_s
            unit = Unit(
                "gpu",
                f"replicate-{replicate}",
                f"model-{count}",
                OVERHEAD_S + engines_s + sum(times_s),
                overhead_s=OVERHEAD_S,
                variants=model.variants,
                is_further=replicate > 1,
            )
            units.append(unit)
            cases_s = sum(each * math.exp(rng.gauss(0, noise)) for each in times_s)
            takes_s[unit.replicate, unit.model] = OVERHEAD_S + engines_s + cases_s
    return Night(units, takes_s, count)


def over(gpus: int, night: Night, *, dying: bool = False) -> tuple[Simulated, float]:
    """The night on so many GPUs, and the lower bound of what they take, in seconds."""
    devices = [Device(f"gpu-{number}", "gpu") for number in range(gpus)]
    bound_s = lower_bound_s([replace(unit, duration_s=night.really_s(unit)) for unit in night.units], devices)
    rng = random.Random(f"{SEED} {gpus}")  # noqa: S311 - made-up deaths
    dead = rng.sample(devices, dying_of(gpus)) if dying else []
    deaths_s = {device: rng.uniform(0, bound_s) for device in dead}
    return simulate(night.units, devices, takes_s=night.really_s, deaths_s=deaths_s), bound_s


def lower_bound_s(units: Iterable[Unit], devices: Iterable[Device]) -> float:
    """No schedule ends earlier: each hardware's work shared out evenly, or its longest piece that can't be split.

    Seconds. Raises ValueError for a unit whose hardware no device has.
    """
    whole_s: dict[str, float] = defaultdict(float)
    longest_s: dict[str, float] = defaultdict(float)
    for unit in units:
        whole_s[unit.hardware] += unit.duration_s
        longest_s[unit.hardware] = max(longest_s[unit.hardware], unit.split(unit.variants)[0].duration_s)
    counts = Counter(device.hardware for device in devices)
    if missing := sorted(whole_s.keys() - counts.keys()):
        raise ValueError(f"no device is a {missing[0]}")
    return max((max(whole_s[name] / counts[name], longest_s[name]) for name in whole_s), default=0.0)


def dying_of(gpus: int) -> int:
    """How many of so many nodes die: one at least, but not the only one."""
    return math.ceil(DYING * gpus) if gpus > 1 else 0


def timed(gpus: int, night: Night) -> float:
    """Seconds of this process for deciding a whole night, what the simulation itself takes included."""
    began_s = time.perf_counter()
    over(gpus, night)
    return time.perf_counter() - began_s


def row(gpus: int, warm: Night, cold: Night) -> dict[str, Any]:
    """One row of the table."""
    times_s = [timed(gpus, warm) for _ in range(3)]
    outcome, bound_s = over(gpus, warm)
    colder, cold_bound_s = over(gpus, cold)
    dying, _ = over(gpus, warm, dying=True)
    return {
        "gpus": gpus,
        "makespan_s": outcome.makespan_s,
        "bound_s": bound_s,
        "cold_makespan_s": colder.makespan_s,
        "cold_bound_s": cold_bound_s,
        "dead": dying_of(gpus),
        "dying_makespan_s": dying.makespan_s,
        "dying_wasted_s": dying.wasted_s,
        "dying_ended": len(dying.ended),
        "dying_given_up": len(dying.given_up),
        "overhead_us_a_case": 1e6 * median(times_s) / (warm.cases * REPLICATES),
    }


def main() -> None:
    """Writes the file."""
    from perfkit.measure.machine import cpu_count, cpu_name

    warm, cold = night(CASES, is_cold=False), night(CASES, is_cold=True)
    data = {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "cpu": f"{cpu_name()} x{cpu_count()}",
        "python": platform.python_version(),
        "cases": warm.cases,
        "replicates": REPLICATES,
        "units": len(warm.units),
        "spread": spread(),
        "unit_s": [min(warm.takes_s.values()), median(warm.takes_s.values()), max(warm.takes_s.values())],
        "cold_unit_s": [min(cold.takes_s.values()), median(cold.takes_s.values()), max(cold.takes_s.values())],
        "rows": [row(gpus, warm, cold) for gpus in GPUS],
    }
    DATA.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
