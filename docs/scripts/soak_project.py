"""What docs/scripts/soak.py measures: a project whose suite has one model after another, under profiles of other names.

A model is unloaded and loaded again for each, as in a night of many.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

_VARIANTS = {
    "cpu": ["eager-fp32", "openvino-fp32"],
    "cuda": ["eager-fp32", "eager-fp16", "trt-fp16", "onnx-trt-fp16"],
}
_SIZES = range(32, 92, 2)
"""Of the pictures at speed: so many shapes has each model."""
_REAL = {"cpu": ["mobilenet_v2", "resnet50"], "cuda": ["mobilenet_v2", "resnet18", "resnet50"]}
_REAL_SIZES = [112, 224]
_PASSES = 60
"""More than the time is enough for."""
_TEST = "def test_latency(perfkit_case, benchmark):\n    perfkit_case.measure(benchmark)\n"


def soak_net(*, weights: None = None, progress: bool = True) -> nn.Module:
    """The smallest model that has what models have: a call takes less than a tenth of a millisecond."""
    from torch import nn

    del weights, progress
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=4, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


def cases_a_pass(platform: str) -> tuple[int, int]:
    """Of the real models: after how many cases the same one comes again, and how many shapes follow each other."""
    shapes = len(_REAL_SIZES)
    return len(_REAL[platform]) * len(_VARIANTS[platform]) * shapes, shapes


def write_project(folder: Path, platform: str, cases: int | None) -> None:
    """A suite of about so many quick cases, or of real models, over and over, where the number is None."""
    variants = _VARIANTS[platform]
    if cases is None:
        sizes, names, passes = _REAL_SIZES, _REAL[platform], _PASSES
        measure: dict[str, Any] = {}  # as a night has it
    else:
        sizes, names = list(_SIZES), ["soak_net"]
        passes = math.ceil(cases / (len(sizes) * len(variants)))
        measure = {"min_rounds": 30, "max_rounds": 30, "time_budget_s": 0.1, "warmup_max_s": 0.1}
    shapes = [[1, 3, size, size] for size in sizes]
    labels = [f"{name}@pass-{number}" for number in range(passes) for name in names]
    toml = [
        *(
            f"[profiles.pass-{number}]\nmin = {shapes[0]}\nopt = {shapes[0]}\nmax = {shapes[-1]}\n"
            for number in range(passes)
        ),
        f"[suites.soak]\nmodels = {json.dumps(labels)}\nshapes = {shapes}\n",
        f"[suites.soak.variants]\n{platform} = {json.dumps(variants)}\n",
        "[measure]\n" + "".join(f"{key} = {value}\n" for key, value in measure.items()),
    ]
    (folder / "perfkit.toml").write_text("".join(toml), "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (folder / "test_soak.py").write_text(_TEST, "utf-8")
    speed = "" if cases is None else "at_speed()\n"
    (folder / "conftest.py").write_text(f"from soak_samples import *\n{speed}", "utf-8")
    info = folder / "soak-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: soak\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text("[perfkit.models]\nsoak_net = soak_project:soak_net\n", "utf-8")
