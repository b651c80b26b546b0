"""How long a call needs to settle behind the other side's calls, measured on a CPU; the table of docs/cpu-noise.md.

``python docs/scripts/cpu_settling.py --measure`` writes results/cpu/settling.json (2 minutes on an idle machine);
without the option the page's table is made from that file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from cpu_host import described, versions
from repository import ROOT, at_root

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = ROOT / "docs" / "cpu-noise.md"
DATA = ROOT / "results" / "cpu" / "settling.json"
CASES = (("resnet18", "openvino-fp32", 112), ("mobilenet_v2", "openvino-fp32", 112), ("resnet18", "openvino-int8", 112))
SWITCHES = 40
OTHER_SIDE_S, OWN_SIDE_S = 0.06, 0.15
AT_MS = (0, 5, 10, 20, 40, 60, 80)


def after_switch(before: Callable[[], Any], own: Callable[[], Any]) -> list[list[tuple[float, float]]]:
    """For each switch: when each call of ``own`` began, in seconds since the switch, and how long it took."""
    switches = []
    for _ in range(SWITCHES):
        until_s = time.perf_counter() + OTHER_SIDE_S
        while time.perf_counter() < until_s:
            before()
        switched_s = time.perf_counter()
        calls = []
        while (started_s := time.perf_counter()) - switched_s < OWN_SIDE_S:
            own()
            calls.append((round(started_s - switched_s, 6), round(time.perf_counter() - started_s, 7)))
        switches.append(calls)
    return switches


def measure() -> dict[str, Any]:
    """Builds the variants and measures both directions."""
    import torch

    from perfkit.catalog.config import load_config
    from perfkit.catalog.images import calibration_images
    from perfkit.catalog.models import load_model
    from perfkit.variants.registry import load_variant

    with at_root():
        from benchmarks.standalone import standalone_request

    device, images = torch.device("cpu"), calibration_images()
    config = load_config(ROOT)
    profile = config.profile("size")
    about = described()
    cases = []
    for name, variant, size in CASES:
        model = load_model(name, images, profile.opt, device)
        (pictures,) = images.batches((1, 3, size, size), model.preprocessing, 1, device)
        with tempfile.TemporaryDirectory() as cache:
            built = load_variant(variant).build(
                standalone_request(model, name, profile, images, device, config=config, cache=Path(cache))
            )
        inputs = built.prepare(pictures)
        where = f"{name} 1x3x{size}x{size},"

        def reference(module: Any = model.module, pictures: Any = pictures) -> Any:
            return module(pictures)

        def call(built: Any = built, inputs: Any = inputs) -> Any:
            return built.call(inputs)

        with torch.inference_mode():
            for _ in range(30):
                reference(), call()
            cases += [
                {"case": f"{where} {variant} behind eager-fp32", "switches": after_switch(reference, call)},
                {"case": f"{where} eager-fp32 behind {variant}", "switches": after_switch(call, reference)},
            ]
        built.close()
    return about | {"cases": cases}


def table(data: dict[str, Any]) -> list[str]:
    """One row a case: the median call that began at or next after a time since the switch, against the last ones."""
    lines = [
        f"| model, shape, calls of | {' | '.join(f'{at} ms' for at in AT_MS)} | settled |",
        f"|---|{'---|' * (len(AT_MS) + 1)}",
    ]
    for case in data["cases"]:
        settled = median(took for calls in case["switches"] for began, took in calls if began > OWN_SIDE_S * 2 / 3)
        cells = []
        for at in AT_MS:
            took = [next(took for began, took in calls if began >= at / 1e3) for calls in case["switches"]]
            cells.append(f"+{100 * (median(took) / settled - 1):z.0f}%".replace("+-", "-"))
        lines.append(f"| {case['case']} | {' | '.join(cells)} | {settled * 1e3:.2f} ms |")
    told = versions(data, "python", "torch", "openvino")
    lines += ["", f"{data['machine']}, {told}; {data['datetime'][:10]}; {SWITCHES} switches a row, medians."]
    return lines


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"settling": table(json.loads(DATA.read_text("utf-8")))})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        DATA.write_text(json.dumps(measure(), separators=(",", ":")) + "\n", "utf-8")
    PAGE.write_text(main(), "utf-8")
