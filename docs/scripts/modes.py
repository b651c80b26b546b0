"""How often rounds have two modes, and how often they seem to by chance; two tables of docs/MATH.md.

    python docs/scripts/modes.py --simulate   samples drawn from one mode → results/study/modes.json
    python docs/scripts/modes.py              that, and the committed records → docs/MATH.md

Of the records the variant's rounds are taken, of every case in every process.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from packed import content

from perfkit.record.modes import FEWEST_ROUNDS, round_modes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "MATH.md"
SIMULATED = ROOT / "results" / "study" / "modes.json"
SAMPLES, ROUNDS = 10_000, (30, 54, 100, 300)
SHAPES: dict[str, Callable[[random.Random], float]] = {
    "even over 50%": lambda rng: math.exp(rng.uniform(0, 0.5)),
    "normal, 5%": lambda rng: math.exp(rng.gauss(0, 0.05)),
    "exponential behind a least time": lambda rng: 1 + rng.expovariate(10),
    "normal, 8% of the rounds up to tenfold": lambda rng: (
        math.exp(rng.gauss(0, 0.01)) * (rng.uniform(1.5, 10) if of_a_share(rng, 0.08) else 1)
    ),
    "two modes 10% apart, each 1% wide, half and half": lambda rng: math.exp(
        rng.gauss(0.1 * of_a_share(rng, 0.5), 0.01)
    ),
    "the same, a fifth of the rounds slow": lambda rng: math.exp(rng.gauss(0.1 * of_a_share(rng, 0.2), 0.01)),
}
RECORDS = (("cpu", "wall"), ("h100", "wall"), ("h100", "device"), ("h200", "device"))


def of_a_share(rng: random.Random, share: float) -> bool:
    """True as often as that."""
    return rng.random() < share


def simulate() -> None:
    """The share of samples with two modes, for each shape and number of rounds."""
    found: dict[str, dict[str, float]] = {}
    for name, draw in SHAPES.items():
        rng = random.Random(name)  # noqa: S311
        found[name] = {}
        for count in ROUNDS:
            samples = ([draw(rng) for _ in range(count)] for _ in range(SAMPLES))
            found[name][str(count)] = sum(round_modes(times_s) is not None for times_s in samples) / SAMPLES
    SIMULATED.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def simulated_table() -> list[str]:
    """One row a shape."""
    lines = [f"| times drawn | {' | '.join(f'{count} rounds' for count in ROUNDS)} |", "|---" * (1 + len(ROUNDS)) + "|"]
    for name, shares in json.loads(SIMULATED.read_text("utf-8")).items():
        lines.append(f"| {name} | {' | '.join(f'{shares[str(count)]:.2%}' for count in ROUNDS)} |")
    return [*lines, "", f"{SAMPLES:,} samples each."]


def recorded_table() -> list[str]:
    """One row a platform and clock: the variant's rounds of every case in every committed process that has enough."""
    lines = [
        f"| records | clock | cases of {FEWEST_ROUNDS} rounds or more, all processes | with two modes |",
        "|---" * 4 + "|",
    ]
    records = {folder: list(case_rounds(ROOT / "results" / folder)) for folder, _ in RECORDS}
    for folder, clock in RECORDS:
        taken = [rounds[f"variant_{clock}_s"] for rounds in records[folder]]
        sets = [times_s for times_s in taken if times_s is not None and len(times_s) >= FEWEST_ROUNDS]
        count = sum(round_modes(times_s) is not None for times_s in sets)
        lines.append(f"| results/{folder} | {clock} | {len(sets)} | {count} ({count / len(sets):.1%}) |")
    return lines


def case_rounds(folder: Path) -> Iterator[dict[str, Any]]:
    """The rounds of every case in the run files below a folder, packed ones too."""
    for path in sorted([*folder.rglob("*.json"), *folder.rglob("*.json.xz")]):
        if path.parent.name == "merged":
            continue  # its shards are there too
        data = json.loads(content(path))
        for benchmark in data.get("benchmarks", []) if isinstance(data, dict) else []:
            if record := benchmark["extra_info"].get("perfkit"):
                yield record["rounds"]


def main() -> str:
    """The page with its tables made anew."""
    return with_blocks(PAGE, {"modes-simulated": simulated_table(), "modes-recorded": recorded_table()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulate", action="store_true")
    if parser.parse_args().simulate:
        simulate()
    PAGE.write_text(main(), "utf-8")
