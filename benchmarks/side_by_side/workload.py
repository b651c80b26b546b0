"""What all tools of the comparison call: the same models, built once, loaded by every process from one folder.

    python -m benchmarks.side_by_side.workload     builds what PLATFORM needs into WORK

The calls are what perfkit's variants make of a torchvision model; no tool has to know that. In the arm ``slowed`` the
calls of one case really take longer by :data:`SHARE`, by the delay that ``perfkit drill`` puts in: the host spins
before the call, on CUDA the device does behind it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
MODELS = ("mobilenet_v2", "resnet18")
SHAPE = "1x3x224x224"
VARIANTS = {"cpu": ("eager-fp32", "openvino-fp32"), "cuda": ("eager-fp32", "eager-fp16-graph")}
"""The first one is what the others' speedups are over."""
SLOWED = {"cpu": f"resnet18/openvino-fp32/{SHAPE}", "cuda": f"resnet18/eager-fp16-graph/{SHAPE}"}
SHARE = 0.05
BASELINE, UNCHANGED, SLOWED_ARM = "baseline", "unchanged", "slowed"
ARMS = (BASELINE, UNCHANGED, SLOWED_ARM)
_WARMUP_MAX_S = 2.0
_settings = ExitStack()
"""What perfkit sets of PyTorch, TF32 and cuDNN's autotuning, until the process ends."""
_REQUEST, _WITHOUT_MODEL = "request.pt", "request-without-model.pt"


@dataclass(frozen=True)
class Place:
    """Where a process finds what it needs, as its environment has it."""

    platform: str
    arm: str
    folder: Path
    """Of the whole measurement: engines below ``work``, each tool's files of a round below its name."""
    card: str = ""
    """The GPU, as CUDA_VISIBLE_DEVICES names it; none on a CPU, nor where it doesn't matter which."""

    @classmethod
    def here(cls) -> Place:
        """What the driver has put into the environment. Raises KeyError where it didn't start this process."""
        own = {name: os.environ[f"SIDE_BY_SIDE_{name}"] for name in ("PLATFORM", "ARM", "FOLDER")}
        return cls(own["PLATFORM"], own["ARM"], Path(own["FOLDER"]), os.environ.get("CUDA_VISIBLE_DEVICES", ""))

    def environment(self) -> dict[str, str]:
        """What :meth:`here` reads, and where Python finds this module."""
        names = {"PLATFORM": self.platform, "ARM": self.arm, "FOLDER": str(self.folder)}
        found = {f"SIDE_BY_SIDE_{name}": value for name, value in names.items()} | {"PYTHONPATH": python_path()}
        if self.card:  # numbers as NVML has them, by which optimum-benchmark goes
            found |= {"CUDA_VISIBLE_DEVICES": self.card, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        return found


def python_path() -> str:
    """This module's place before those that Python was told of."""
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


def parsed_shape() -> list[int]:
    """As configuration files have it."""
    return [int(size) for size in SHAPE.split("x")]


def cases_of(platform: str) -> list[str]:
    """Their ids, model by model, as perfkit writes them."""
    return [f"{model}/{variant}/{SHAPE}" for model in MODELS for variant in VARIANTS[platform]]


@dataclass(frozen=True)
class Call:
    """One forward pass, warmed up. ``start`` may return before a GPU is done, ``whole`` doesn't."""

    start: Callable[[], Any]
    whole: Callable[[], Any]


def load(case: str) -> Call:
    """The case's call, slower where the arm says so; built by :func:`prepare`."""
    import torch

    from perfkit.catalog.case import Platform
    from perfkit.catalog.config import load_config
    from perfkit.measure.clock import make_clock
    from perfkit.measure.rounds import warm_up
    from perfkit.measure.settings import applied
    from perfkit.record.facts import BuildFacts
    from perfkit.variants.base import StoredVariant
    from perfkit.variants.build import build_variant
    from perfkit.variants.building import load_built
    from perfkit.variants.registry import load_variant

    place = Place.here()
    _settings.enter_context(applied(load_config(ROOT).settings, Platform(place.platform)))
    model, name, _ = case.split("/")
    folder = place.folder / "work" / model
    variant = load_variant(name)
    stored = isinstance(variant, StoredVariant)
    # Pickles that prepare() wrote into the measurement's own folder.
    request = torch.load(folder / (_WITHOUT_MODEL if stored else _REQUEST), weights_only=False)
    if isinstance(variant, StoredVariant):
        built = load_built(variant, request, folder / name, BuildFacts(build_s=0))
    else:
        built = build_variant(variant, request).built
    inputs = built.prepare(torch.load(folder / "inputs.pt"))

    def plain() -> Any:
        with torch.inference_mode():
            return built.call(inputs)

    clock = make_clock(request.device)
    with clock.timed_region():
        typical_s = warm_up(clock, [plain], _WARMUP_MAX_S).typical_s  # in all arms, or they would differ by it
        work_s = clock.work_s(plain, typical_s)
    start: Callable[[], Any] = plain
    if place.arm == SLOWED_ARM and case == SLOWED[place.platform]:
        start = partial(clock.slowed(lambda _: plain(), SHARE * work_s), None)
    if place.platform == "cpu":
        return Call(start, start)

    def whole() -> Any:
        outputs = start()
        torch.cuda.synchronize()
        return outputs

    return Call(start, whole)


def prepare() -> None:
    """Loads the models, makes their inputs and builds what is kept, once for all processes."""
    import torch

    from benchmarks.standalone import standalone_request
    from perfkit.catalog.case import parse_shape
    from perfkit.catalog.config import load_config
    from perfkit.catalog.images import calibration_images, evaluation_images
    from perfkit.catalog.models import load_model
    from perfkit.variants.base import StoredVariant
    from perfkit.variants.building import build_here, save_built
    from perfkit.variants.registry import load_variant

    place = Place.here()
    device = torch.device("cuda", torch.cuda.current_device()) if place.platform == "cuda" else torch.device("cpu")
    config, images = load_config(ROOT), calibration_images()
    for name in MODELS:
        folder = place.folder / "work" / name
        folder.mkdir(parents=True)
        profile = config.profile("size")
        model = load_model(name, images, profile.opt, device)
        request = standalone_request(model, name, profile, images, device, config=config, cache=folder)
        torch.save(request, folder / _REQUEST)
        # What is built needs none, and whoever loads it no torchvision.
        torch.save(replace(request, model=torch.nn.Identity(), calibration=[]), folder / _WITHOUT_MODEL)
        (inputs,) = evaluation_images().batches(parse_shape(SHAPE), model.preprocessing, 1, device)
        torch.save(inputs, folder / "inputs.pt")
        for each in VARIANTS[place.platform]:
            variant = load_variant(each)
            if isinstance(variant, StoredVariant):
                (folder / each).mkdir()
                save_built(variant, build_here(variant, request).built, folder / each)


if __name__ == "__main__":
    prepare()
