"""What each way to calibrate INT8 costs in accuracy; the table of docs/tensorrt.md.

``python docs/scripts/calibration_methods.py --measure`` quantizes with ModelOpt and compares the answers of the
quantized PyTorch model, no engine, with the float32 one's on the evaluation pictures; it writes
results/cpu/calibration.json (20 minutes on 2 cores; the committed one was put together from the rows of a run that
was ended at a fourth model).
Without the option the page's table is made from that file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks import with_blocks

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from perfkit.measure.agreement import Answer

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tensorrt.md"
A_SHAPE = 11
"""Pictures. What is recorded had the same ones at each shape, as perfkit until 2026-11-28."""
DATA = ROOT / "results" / "cpu" / "calibration.json"
MODELS = ("mobilenet_v2", "resnet18", "resnet50")
NORMAL_VALUES = 200_000
METHODS = tuple(
    (method, weights) for weights in ("channel", "tensor") for method in ("max", "entropy", "percentile", "mse")
)


def measure() -> dict[str, Any]:
    """Every model by every method at its optimum shape."""
    import torch

    from perfkit.catalog.config import Quantization, load_config
    from perfkit.catalog.images import EVALUATION_IMAGES, calibration_images, evaluation_images
    from perfkit.catalog.models import load_model
    from perfkit.measure.agreement import check_answers
    from perfkit.measure.machine import cpu_count, cpu_name, software_versions
    from perfkit.variants._modelopt import quantize

    device, pictures, evaluation = torch.device("cpu"), calibration_images(), evaluation_images()
    profile = load_config(ROOT).profile("size")
    rows = []
    for name in MODELS:
        model = load_model(name, pictures, profile.opt, device)
        calibration = [
            batch
            for index, shape in enumerate(profile.shapes())
            for batch in pictures.batches(shape, model.preprocessing, A_SHAPE, device, first=index * A_SHAPE)
        ]
        batches = list(evaluation.batches(profile.opt, model.preprocessing, EVALUATION_IMAGES, device))
        for method, weights in METHODS:
            started = time.perf_counter()
            quantization = Quantization.model_validate({"method": method, "weights": weights})
            quantized = quantize(model.module, calibration, quantization, "int8")
            took_s = time.perf_counter() - started
            with torch.inference_mode():
                agreement = check_answers(
                    answers_of(model.module),
                    answers_of(quantized),
                    batches,
                    cosine_bound=-1,
                    classifies=True,
                )
            rows.append(
                {
                    "model": name,
                    "weights": model.weights,
                    "method": str(quantization),
                    "calibration_s": round(took_s, 1),
                    **agreement.model_dump(mode="json"),
                }
            )
            sys.stderr.write(f"{rows[-1]}\n")
    return {
        "datetime": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": f"{cpu_name()} x{cpu_count()}",
        "software": {**software_versions(), "nvidia-modelopt": version("nvidia-modelopt")},
        "rows": rows,
        "histogram_mse": histogram_mse(),
    }


def histogram_mse() -> dict[str, float]:
    """The range that ModelOpt's histogram by ``mse`` gives to standard normal values, and what they reach."""
    import torch
    from modelopt.torch.quantization.calib import HistogramCalibrator

    values = torch.randn(NORMAL_VALUES, generator=torch.Generator().manual_seed(0))
    calibrator = HistogramCalibrator(num_bits=8, axis=None, unsigned=False)
    calibrator.collect(values)
    return {"range": float(calibrator.compute_amax("mse")), "largest": float(values.abs().max())}


def answers_of(module: Callable[[Tensor], Tensor]) -> Answer:
    """The module's single output."""
    return lambda images: (module(images),)


def table(data: dict[str, Any]) -> list[str]:
    """One row a method, a column a model: the lowest cosine and SQNR over the pictures."""
    found = {(row["model"], row["method"]): row for row in data["rows"]}
    methods = list(dict.fromkeys(row["method"] for row in data["rows"]))
    models = list(dict.fromkeys(row["model"] for row in data["rows"]))
    lines = [f"| activations, weights | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    for method in methods:
        rows = [found[model, method] for model in models]
        cells = [f"{row['cosine_min']:.4f}, {row['sqnr_db_min']:.1f} dB" for row in rows]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    software, first = data["software"], data["rows"][0]
    where = (
        f"Lowest cosine and SQNR to float32 over {first['images']} pictures at 1x3x224x224; {first['weights']}; "
        f"{data['machine']}, torch {software['torch']}, nvidia-modelopt {software['nvidia-modelopt']}, "
        f"{data['datetime'][:10]}."
    )
    broken = data["histogram_mse"]
    mse = (
        "`mse` is ModelOpt's algorithm, which searches the weights' ranges. It also has an `mse` for histograms of "
        f"activations, and that is broken in this version: for {NORMAL_VALUES:,} standard normal values it gives a "
        f"range of {broken['range']:.2f}, though they reach {broken['largest']:.1f}; its call hands the number of bits "
        "to another parameter. perfkit doesn't use it."
    )
    return [*lines, "", where, "", mse]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"calibration": table(json.loads(DATA.read_text("utf-8")))})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        DATA.write_text(json.dumps(measure(), indent=1) + "\n", "utf-8")
    PAGE.write_text(main(), "utf-8")
