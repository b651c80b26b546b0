"""Where a virtual machine's processors lie, as far as calls feel it; the table of docs/cpu-noise.md.

``python docs/scripts/cpu_placement.py --measure`` writes results/cpu/placement.json (5 minutes on an idle machine with
two processors); without the option the page's table is made from that file.

Every second or so it is timed how long two threads need for a sum so small that most of it is waiting for one another,
and beside it a network on two threads, on one, and two networks at once on one thread each.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from cpu_host import described, versions
from repository import ROOT, at_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from perfkit.variants.base import Built

PAGE = ROOT / "docs" / "cpu-noise.md"
DATA = ROOT / "results" / "cpu" / "placement.json"
MODEL, VARIANT, SIZE = "mobilenet_v2", "openvino-fp32", 112
LASTS_S, PAUSE_S = 300, 0.5
CALLS, WARMUP_CALLS = 300, 60
SUMS, WARMUP_SUMS = 2000, 500
SUMMANDS = 40_000
"""A little above PyTorch's 32,768, from which on it takes two threads."""
COLUMNS = {
    "meeting_us": "two threads meet",
    "two_threads_ms": "on two threads",
    "one_thread_ms": "on one thread",
    "two_at_once_ms": "two at once, a thread each",
}


def usual_s(call: Callable[[], Any], calls: int = CALLS, warmup: int = WARMUP_CALLS) -> float:
    """Median of so many calls behind some that don't count, in seconds."""
    times = []
    for _ in range(calls + warmup):
        started_s = time.perf_counter()
        call()
        times.append(time.perf_counter() - started_s)
    return median(times[warmup:])


def measure() -> dict[str, Any]:
    """Builds the network three times and goes on looking until the time is over."""
    import torch

    from perfkit.catalog.config import load_config
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.variants.registry import load_variant

    with at_root():
        from benchmarks.standalone import standalone_request

    device, images = torch.device("cpu"), calibration_images()
    config = load_config(ROOT)
    about = described()
    profile = config.profile("size")
    model = load_model(MODEL, images, profile.opt, device)
    (pictures,) = images.batches((1, 3, SIZE, SIZE), model.preprocessing, 1, device)

    def built(threads: int) -> Built:
        torch.set_num_threads(threads)
        with tempfile.TemporaryDirectory() as cache:
            return load_variant(VARIANT).build(
                standalone_request(model, MODEL, profile, images, device, config=config, cache=Path(cache))
            )

    def caller(network: Built) -> Callable[[], Any]:
        inputs = network.prepare(pictures)
        return lambda: network.call(inputs)

    one, other, both = (
        caller(built(1)),
        caller(built(1)),
        caller(built(2)),
    )  # two threads last: they are for the sums too
    summands, total = torch.rand(SUMMANDS), torch.empty(SUMMANDS)
    samples = []
    with ThreadPoolExecutor(1) as second, torch.inference_mode():
        started_s = time.perf_counter()
        while (s := time.perf_counter() - started_s) < LASTS_S:
            sample = {"s": round(s, 1)}
            sample["meeting_us"] = 1e6 * usual_s(lambda: torch.add(summands, summands, out=total), SUMS, WARMUP_SUMS)
            sample["two_threads_ms"] = 1e3 * usual_s(both)
            sample["one_thread_ms"] = 1e3 * usual_s(one)
            beside = second.submit(usual_s, other)
            sample["two_at_once_ms"] = 1e3 * max(usual_s(one), beside.result())
            samples.append({name: round(value, 4) for name, value in sample.items()})
            time.sleep(PAUSE_S)
    return about | {"samples": samples}


def is_far(samples: list[dict[str, float]]) -> list[bool]:
    """Of each sample whether its threads met later than in the middle between the quickest and the slowest tenth."""
    meetings = sorted(sample["meeting_us"] for sample in samples)
    tenth = len(meetings) // 10
    middle = (meetings[tenth] + meetings[-1 - tenth]) / 2
    return [sample["meeting_us"] > middle for sample in samples]


def table(data: dict[str, Any]) -> list[str]:
    """A row for the samples on each side of the middle; below it how often the machine went from one to the other."""
    samples = data["samples"]
    far = is_far(samples)
    lines = [f"| | samples | {' | '.join(COLUMNS.values())} |", f"|---|---|{'---|' * len(COLUMNS)}"]
    for name, wanted in (("near", False), ("far", True)):
        chosen = [sample for sample, one in zip(samples, far, strict=True) if one is wanted]
        if chosen:
            cells = [f"{median(one[key] for one in chosen):.2f} {key.rpartition('_')[2]}" for key in COLUMNS]
            lines.append(f"| {name} | {len(chosen)} | {' | '.join(cells)} |".replace(" us ", " µs "))
    turns = sum(before != after for before, after in itertools.pairwise(far))
    told = versions(data, "python", "torch", "openvino")
    return [
        *lines,
        "",
        (
            f"{MODEL} at 1x3x{SIZE}x{SIZE}, {VARIANT}; {samples[-1]['s']:.0f} s, in which the one became the other "
            f"{turns} times. {data['machine']}, {told}; load average {data['load_average_1min']} before; "
            f"{data['datetime'][:10]}. Medians."
        ),
    ]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"placement": table(json.loads(DATA.read_text("utf-8")))})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        DATA.write_text(json.dumps(measure(), separators=(",", ":")) + "\n", "utf-8")
    PAGE.write_text(main(), "utf-8")
