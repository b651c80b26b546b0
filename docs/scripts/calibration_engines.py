"""What each way to calibrate INT8 costs in accuracy and speed as an engine; a table of docs/tensorrt.md.

``python docs/scripts/calibration_engines.py --measure FILE`` builds onnx-trt-int8 by every method on a GPU, at one
fixed shape; without the option the page's table is made from the committed file.
"""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from gpu_host import Loaded, behind_itself_s, described, keep, loaded, measure_or_write, tell
from repository import ROOT, at_root

from perfkit.catalog.config import Quantization

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "tensorrt.md"
DATA = [ROOT / "results" / gpu / "2026-11-26-calibration-engines.json" for gpu in ("h100", "h200")]
MODELS, PROFILE, VARIANT = ("mobilenet_v2", "resnet18"), "fixed-224", "onnx-trt-int8"
METHODS = (
    ("max", "channel"),
    ("max", "tensor"),
    ("percentile", "channel"),
    ("mse", "channel"),
    ("implicit-entropy", "channel"),
    ("entropy", "channel"),
)
"""For all models in turn, the slowest last: a host that is lent for minutes may take the rest."""
CALLS = 50


def measure(target: Path) -> None:
    """Builds, checks and times an engine a method and model; the file grows by a row each, and what it has is kept."""
    here = described() | {"rows": []}
    data = json.loads(target.read_text("utf-8")) if target.is_file() else here
    if (data["gpu"]["name"], data["software"]) != (here["gpu"]["name"], here["software"]):
        raise SystemExit(f"{target} was measured on another GPU or with other software: name another file")
    known = {(row["model"], row["method"]) for row in data["rows"] if "failed" not in row}
    data["rows"] = [row for row in data["rows"] if "failed" not in row]
    models = {name: loaded(name, PROFILE) for name in MODELS}
    for method, weights in METHODS:
        quantization = Quantization.model_validate({"method": method, "weights": weights})
        for name, one in models.items():
            if (name, str(quantization)) in known:
                continue
            row: dict[str, Any] = {"model": name, "weights": one.model.weights, "method": str(quantization)}
            try:
                row |= measured(one, quantization)
            except Exception as error:  # a method that fails is a row of its own
                row["failed"] = str(error).partition("\n")[0]
            data["rows"].append(row)
            tell(str({key: value for key, value in row.items() if key not in ("facts", "device_s")}))
            keep(data, target)


def measured(one: Loaded, quantization: Quantization) -> dict[str, Any]:
    """Of an engine that is calibrated so: times in s, facts and how far it agrees with eager-fp32."""
    import torch

    from perfkit.catalog.images import CALIBRATION_IMAGES, EVALUATION_IMAGES, evaluation_images
    from perfkit.measure.agreement import check_answers
    from perfkit.measure.clock import make_clock
    from perfkit.variants.registry import load_variant

    with at_root():
        from benchmarks.standalone import answers

    clock = make_clock(torch.device("cuda", 0))
    shape, fitting, device = one.profile.opt, one.model.preprocessing, one.device
    pictures = list(evaluation_images().batches(shape, fitting, EVALUATION_IMAGES, device))
    batches = list(one.images.batches(shape, fitting, CALIBRATION_IMAGES, device))
    reference = load_variant("eager-fp32").build(one.request)
    built = load_variant(VARIANT).build(
        dataclasses.replace(one.request, calibration=batches, quantization=quantization)
    )
    with torch.inference_mode(), clock.timed_region():
        agreement = check_answers(
            partial(answers, reference), partial(answers, built), pictures, cosine_bound=-1, classifies=True
        )
        call = partial(built.call, built.prepare(pictures[0]))
        for _ in range(CALLS):
            call()
        replay = clock.replay_of([call])
        device_s = [behind_itself_s(replay) for _ in range(CALLS)]
    built.close()
    facts = built.facts.model_dump(mode="json")
    return {"device_s": device_s, "facts": facts} | agreement.model_dump(mode="json")


def table(measured_on: list[dict[str, Any]]) -> list[str]:
    """One row a model, GPU and method."""
    lines = [
        "| model | GPU | activations, weights | lowest cosine | SQNR dB | device ms | layers |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = [(row, data["gpu"]["name"]) for data in measured_on for row in data["rows"]]
    for row, gpu in sorted(rows, key=lambda one: MODELS.index(one[0]["model"])):
        begins = f"| {row['model']} | {gpu} | {row['method']} |"
        if "failed" in row:
            lines.append(f"{begins} failed: {row['failed']} | | | |")
            continue
        lines.append(
            f"{begins} {row['cosine_min']:.4f} | {row['sqnr_db_min']:.1f} "
            f"| {median(row['device_s']) * 1e3:.3f} | {row['facts']['layers']} |"
        )
    told = [
        f"{data['datetime'][:10]}: "
        + ", ".join(f"{name} {data['software'][name]}" for name in ("tensorrt", "nvidia-modelopt", "torch"))
        for data in measured_on
    ]
    return [*lines, "", f"{'; '.join(dict.fromkeys(told))}."]


def main() -> str:
    """The page with its table made anew."""
    return with_blocks(PAGE, {"calibration-engines": table([json.loads(path.read_text("utf-8")) for path in DATA])})


if __name__ == "__main__":
    measure_or_write(__doc__, measure, PAGE, main)
