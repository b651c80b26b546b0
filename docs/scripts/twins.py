"""Device times of cases that run the same kernels, a variant and its -graph; a table of docs/device-times.md.

``python docs/scripts/twins.py`` makes it from the processes of results/h200/2026-11-27-nights/, and from others on such
a card that measured some of these cases in another suite.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from blocks import with_blocks
from drills import own_us, records

from perfkit.catalog.case import GRAPH_SUFFIX

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
RESULTS = ROOT / "results" / "h200"
NIGHTS = RESULTS / "2026-11-27-nights"
CARDS = {
    "one card": ("baseline-card-0", "drill/clean"),
    "the other": ("baseline-card-1", "more", "unchanged-1"),
    "the drill's night, on the one card": ("drill/night-1",),
}
OTHERS = ("2026-11-27-ray/alone", "2026-11-27-ray/fleet")
APART = 0.003


def times() -> dict[str, list[dict[str, float]]]:
    """Microseconds by case of each process, by where it measured."""
    return {
        where: [own_us(path) for folder in folders for path in records(NIGHTS / folder)]
        for where, folders in CARDS.items()
    }


def twins() -> dict[str, str]:
    """Cases and what they are called replayed as a variant of their own."""
    (first, *_), *_ = times().values()
    pairs = {}
    for case in first:
        model, variant, shape = case.split("/")
        if (twin := f"{model}/{variant}{GRAPH_SUFFIX}/{shape}") in first:
            pairs[case] = twin
    return pairs


def table() -> list[str]:
    """One row a pair that lies apart in any process but the drill's."""
    measured, pairs = times(), twins()
    lines = [f"| plain and -graph, µs | {' | '.join(measured)} |", "|---" * (1 + len(measured)) + "|"]
    clean = [process for where in list(measured)[:-1] for process in measured[where]]
    apart = {case: max(abs(each[twin] / each[case] - 1) for each in clean) for case, twin in pairs.items()}
    for case, twin in pairs.items():
        if apart[case] > APART:
            cells = []
            for processes in measured.values():
                sides = [[each[one] for each in processes if one in each] for one in (case, twin)]
                cells.append(" and ".join(span(side) for side in sides))
            lines.append(f"| {case} | {' | '.join(cells)} |")
    near = [share for share in apart.values() if share <= APART]
    told = f"The other {len(near)} of {len(pairs)} pairs lie within {max(near):.1%} in every process but the drill's."
    return [*lines, "", told]


def span(found: list[float]) -> str:
    """Smallest to largest."""
    low, high = f"{min(found):.1f}", f"{max(found):.1f}"
    return low if low == high else f"{low} to {high}"


def elsewhere() -> list[str]:
    """Cases of the nights that another suite measured as well."""
    clean = [process for where in list(CARDS)[:-1] for process in times()[where]]
    found: dict[str, list[float]] = defaultdict(list)
    for folder in OTHERS:
        for path in records(RESULTS / folder):
            for case, us in own_us(path).items():
                found[case].append(us)
    lines = ["| case, µs | in the suite nights | in another suite |", "|---|---|---|"]
    for case, other in found.items():
        own = [process[case] for process in clean if case in process]
        if own:
            lines.append(f"| {case} | {span(own)} | {span(other)} |")
    return lines


def main() -> str:
    """The page with its tables made anew."""
    return with_blocks(PAGE, {"twins": table(), "twins-elsewhere": elsewhere()})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
