"""What decides on which level a device time lies: the same calls on a GPU, captured again and again in several ways.

    python docs/scripts/levels.py --measure FILE    captures and times CASES on a GPU
    python docs/scripts/levels.py                   results/h200/2026-11-28-levels.json → docs/device-times.md

Four graphs of a case are captured a time, as perfkit does or moved in memory, and each of them is timed alone,
behind itself, and once more as perfkit does it, with nothing of it in the GPU's cache. The file is written anew after
every row. What is recorded is from before perfkit did so: a fill of 256 MiB and one replay behind it.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

from blocks import with_blocks
from gpu_host import behind_itself_s, described, keep, loaded, measure_or_write, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpu_host import Loaded
    from torch import Tensor

    from perfkit.measure.clock import Clock
    from perfkit.measure.replay import Replay
    from perfkit.variants.base import Built

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
RECORDED = ROOT / "results" / "h200" / "2026-11-28-levels.json"
CASES = (
    "resnet18/eager-fp16/1x3x224x224",
    "resnet18/trt-fp16/1x3x224x224",
    "resnet18/trt-fp16/1x3x448x448",
    "resnet50/trt-int8/1x3x224x224",
    "resnet50@fixed-224/trt-int8/1x3x224x224",
    "resnet18/eager-fp16/1x3x112x112",
)
CAPTURES, GRAPHS, TIMES, WARM_UP = 6, 4, 5, 20
MIB = 2**20


class Way(NamedTuple):
    """What is done before each capture; the captures before are kept."""

    loads: bool = False
    """The variant is loaded again."""
    takes_blocks: bool = False
    """Blocks of random sizes are taken before it is loaded and before each graph."""
    shifts: bool = False
    """A block of random size lies before what each graph allocates."""


WAYS = {
    "captured again": Way(),
    "shifted": Way(shifts=True),
    "behind blocks": Way(takes_blocks=True),
    "loaded again": Way(loads=True),
    "loaded again behind blocks": Way(loads=True, takes_blocks=True),
}


def blocks(seed: random.Random) -> list[Tensor]:
    """Up to 0.5 GB, of the driver's and not of what PyTorch has kept."""
    import torch

    torch.cuda.empty_cache()
    count = seed.randint(1, 8)
    return [torch.empty(seed.randint(2, 64) * MIB, dtype=torch.uint8, device="cuda") for _ in range(count)]


def shifted(call: Callable[[], Any], size_bytes: int) -> Any:
    """What the call allocates lies behind a block."""
    import torch

    block = torch.empty(size_bytes, dtype=torch.uint8, device="cuda")
    outputs = call()
    del block
    return outputs


def captured(clock: Clock, calls: Sequence[Callable[[], Any]], way: Way, seed: random.Random) -> list[Replay]:
    """A graph of each call."""
    if way.shifts:
        calls = [partial(shifted, call, seed.randint(1, 8 * MIB)) for call in calls]
    replays = []
    for call in calls:
        taken = blocks(seed) if way.takes_blocks else []
        replays.append(clock.replay_of([call]))
        taken.clear()
    return replays


def timed(clock: Clock, replays: list[Replay], replayed_s: Callable[[Replay], float]) -> list[float]:
    """Microseconds of each graph."""
    found = []
    for replay in replays:
        clock.settle(replay)
        found.append(round(1e6 * median(replayed_s(replay) for _ in range(TIMES)), 2))
    return found


class Source:
    """A variant that can be had again and again: loaded if it can be stored, else built."""

    def __init__(self, one: Loaded, name: str, folder: Path) -> None:
        from perfkit.variants.base import StoredVariant
        from perfkit.variants.building import save_built
        from perfkit.variants.registry import load_variant

        self._variant, self._request, self._folder = load_variant(name), one.request, folder
        self._facts = None
        if isinstance(self._variant, StoredVariant):
            with closing(self._variant.build(self._request)) as built:
                folder.mkdir(parents=True)
                save_built(self._variant, built, folder)
                self._facts = built.facts

    def another(self) -> Built:
        """One more of it."""
        from perfkit.variants.base import StoredVariant
        from perfkit.variants.building import load_built

        if not isinstance(self._variant, StoredVariant):
            return self._variant.build(self._request)
        assert self._facts is not None
        return load_built(self._variant, self._request, self._folder, self._facts)


def rows(clock: Clock, source: Source, pictures: list[Tensor], way: Way) -> dict[str, list[list[float]]]:
    """Microseconds of each graph of each capture, behind itself and with nothing of it in the cache."""
    found: dict[str, list[list[float]]] = {"graphs_us": [], "cold_us": []}
    builts: list[Built] = []
    kept: list[Any] = []
    seed = random.Random(0)  # noqa: S311 - where memory lies
    for _ in range(CAPTURES):
        if way.loads or not builts:
            kept.append(blocks(seed) if way.takes_blocks else [])
            builts.append(source.another())
        built = builts[-1].capturable
        calls = [partial(built.call, built.prepare(one)) for one in pictures]
        for _ in range(WARM_UP):
            calls[0]()
        replays = captured(clock, calls, way, seed)
        found["graphs_us"].append(timed(clock, replays, behind_itself_s))
        found["cold_us"].append(timed(clock, replays, clock.replayed_s))
        kept.append((calls, replays))
    kept.clear()  # graphs before what they replay
    for built in builts:
        built.close()
    return found


def measure(target: Path) -> None:
    """A row a case and way, kept at once."""
    import torch

    from perfkit.catalog.case import parse_shape
    from perfkit.measure.clock import make_clock

    torch.backends.cudnn.benchmark = False
    models: dict[str, Loaded] = {}
    data = described() | {"graphs": GRAPHS, "times": TIMES, "rows": []}
    with tempfile.TemporaryDirectory() as temporary:
        for case in CASES:
            model, variant, shape = case.split("/")
            if model not in models:
                name, _, profile = model.partition("@")
                models[model] = loaded(name, profile or "size")
            one = models[model]
            source = Source(one, variant, Path(temporary, *case.split("/")))
            pictures = list(one.images.batches(parse_shape(shape), one.model.preprocessing, GRAPHS, one.device))
            clock = make_clock(one.device)
            with torch.inference_mode(), clock.timed_region():
                for way_name, way in WAYS.items():
                    row = {"case": case, "way": way_name, **rows(clock, source, pictures, way)}
                    data["rows"].append(row)
                    tell(json.dumps(row))
                    keep(data, target)
                    torch.cuda.empty_cache()


def table(recorded: list[dict[str, Any]]) -> list[str]:
    """A row a case and way: the mean of four graphs, capture by capture, and how far these and graphs lie apart."""
    lines = [
        "| case | way | behind itself, µs, capture by capture | apart | with an emptied cache, µs | apart |",
        "|---|---|---|---|---|---|",
    ]
    for row in recorded:
        cells = [row["case"], row["way"]]
        for timed_us in (row["graphs_us"], row["cold_us"]):
            means = [fmean(graphs) for graphs in timed_us]
            cells += [", ".join(f"{mean:.1f}" for mean in means), f"{max(means) / min(means) - 1:.1%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def summary(recorded: list[dict[str, Any]]) -> list[str]:
    """A row a case: how all graphs of all ways lie apart, and the standard deviation of the captures."""
    lines = [
        "| case | graphs behind themselves, µs | sd of captures | emptied cache, µs | sd of captures | longer by |",
        "|---|---|---|---|---|---|",
    ]
    for case in dict.fromkeys(row["case"] for row in recorded):
        cells, medians = [case], []
        for name in ("graphs_us", "cold_us"):
            captures = [graphs for row in recorded if row["case"] == case for graphs in row[name]]
            single = [time_us for graphs in captures for time_us in graphs]
            deviation = stdev(math.log(fmean(graphs)) for graphs in captures)
            cells += [f"{min(single):.1f} to {max(single):.1f}", f"{deviation:.2%}"]
            medians.append(median(single))
        cells.append(f"{medians[1] / medians[0] - 1:.0%}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> str:
    """The page with its table made anew."""
    recorded = json.loads(RECORDED.read_text("utf-8"))["rows"]
    return with_blocks(PAGE, {"levels": table(recorded), "levels-summary": summary(recorded)})


if __name__ == "__main__":
    measure_or_write(__doc__, measure, PAGE, main)
