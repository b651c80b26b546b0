"""What replays of the same kernels depend on besides the queues: tables of docs/device-times.md.

``python docs/scripts/graph_memory.py --measure FILE`` captures eager-fp32 of three models on a GPU again and again,
four graphs each time as a case does, while the earlier ones are kept, after they were freed and with the weights
elsewhere, and times them one behind the other and each behind itself. Without the option the page's tables are made
from the committed files.
"""

from __future__ import annotations

import copy
import gc
import json
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from gpu_host import behind_itself_s, described, in_turn_s, keep, measure_or_write, tell

if TYPE_CHECKING:
    from perfkit.measure.clock import Clock
    from perfkit.measure.replay import Replay

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "device-times.md"
DATA = ROOT / "results" / "h100" / "2026-11-27-hardware-queues" / "graph-memory.json"
SHARED = DATA.with_name("graph-memory-shared.json")
"""By this script at commit b1630e5, when the four graphs shared their memory."""
MODELS = ("mobilenet_v2", "resnet18", "resnet50")
CAPTURES, TIMES = 8, 5
WAYS = {"in_turn_us": "one behind the other", "repeated_us": "each behind itself"}
STATES = {"kept": "the others kept", "freed": "the others freed before", "moved": "its weights elsewhere each time"}


def measure(target: Path) -> None:
    """A row a model and state, kept at once."""
    import torch
    import torchvision

    from perfkit.measure.clock import make_clock

    device = torch.device("cuda", 0)
    torch.backends.cudnn.benchmark = False
    images = [torch.randn(1, 3, 224, 224, device=device) for _ in range(4)]
    clock = make_clock(device)
    data = described() | {"graphs": len(images), "times": TIMES, "rows": []}
    with torch.inference_mode(), clock.timed_region():
        for name in MODELS:
            model = torchvision.models.get_model(name, weights=None).eval().to(device)
            until_s = time.perf_counter() + 0.5
            while time.perf_counter() < until_s:
                model(images[0])
            for state in STATES:
                found: list[dict[str, float]] = []
                kept: list[Any] = []
                for _ in range(CAPTURES):
                    if state == "freed":
                        kept.clear()
                        gc.collect()
                        torch.cuda.empty_cache()
                    of = copy.deepcopy(model) if state == "moved" else model
                    replay = clock.replay_of([partial(of, one) for one in images])
                    kept.append((of, replay))
                    found.append(timed(clock, replay))
                row = {"model": name, "state": state} | {way: [one[way] for one in found] for way in WAYS}
                data["rows"].append(row)
                tell(json.dumps(row))
                keep(data, target)


def timed(clock: Clock, replay: Replay) -> dict[str, float]:
    """Microseconds of a call in both ways, settled anew for each time as in a round."""
    times_s: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(TIMES):
        clock.settle(replay)
        times_s["in_turn_us"].append(in_turn_s(replay))
        clock.settle(replay)
        times_s["repeated_us"].append(behind_itself_s(replay))
    return {way: round(1e6 * median(found), 1) for way, found in times_s.items()}


def table(data: dict[str, Any]) -> list[str]:
    """One row a model and state."""
    lines = [f"| eager-fp32, captured eight times | {' | '.join(WAYS.values())} |", "|---" * (1 + len(WAYS)) + "|"]
    for row in data["rows"]:
        cells = [f"{min(row[way]):.1f} to {max(row[way]):.1f}" for way in WAYS]
        lines.append(f"| {row['model']}, {STATES[row['state']]} | {' | '.join(cells)} |")
    return lines


def main() -> str:
    """The page with its table made anew."""
    files = {"graph-memory": DATA, "graph-memory-shared": SHARED}
    return with_blocks(PAGE, {name: table(json.loads(path.read_text("utf-8"))) for name, path in files.items()})


if __name__ == "__main__":
    measure_or_write(__doc__, measure, PAGE, main)
