"""The 2022 write-up's table done its way, beside the same numbers taken so that they mean something.

Its way: 1000 calls in a loop between two readings of the clock, without warm-up and without waiting for the device, on
a tensor of ones; the size is that of the saved state dict, and nothing is said of the answers. Device
times are perfkit's, with an emptied cache since 2026-11-28.
"""

from __future__ import annotations

import io
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.standalone import answers, standalone_request
from benchmarks.writeup.table import WriteupRow
from perfkit.catalog.case import Platform
from perfkit.catalog.config import load_config
from perfkit.catalog.images import EVALUATION_IMAGES, calibration_images, evaluation_images
from perfkit.catalog.models import load_model
from perfkit.measure.agreement import check_answers
from perfkit.measure.clock import NotQueued, make_clock
from perfkit.measure.rounds import warm_up
from perfkit.measure.settings import applied
from perfkit.record.layers import FILE as LAYERS_FILE
from perfkit.store.engine_store import cache_folder
from perfkit.variants.base import StoredVariant
from perfkit.variants.building import load_built, release, save_built
from perfkit.variants.graph_replay import GraphReplay
from perfkit.variants.registry import load_variant, why_unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor, nn

    from perfkit.measure.clock import Clock
    from perfkit.record.schema import Agreement
    from perfkit.variants.base import BuildRequest, Built, Variant

LOOP_CALLS = 1000
_MODEL, _PROFILE = "mobilenet_v2", "size"
_VARIANTS = {
    Platform.CUDA: ("eager-fp32", "eager-fp16", "trt-fp16", "onnx-trt-fp16"),
    Platform.CPU: ("eager-fp32", "openvino-fp32"),
}
"""On CUDA engines are also replayed from a CUDA graph."""
_TIMED_CALLS = 100
_WARMUP_MAX_S = 5.0


def measure_writeup(root: Path, device: torch.device) -> list[WriteupRow]:
    """Every variant that this machine can run, eager-fp32 first; ``root`` is the project with its configuration."""
    rows = _measure_all(root, device)
    release()
    return rows


def _measure_all(root: Path, device: torch.device) -> list[WriteupRow]:
    config, images = load_config(root), calibration_images()
    profile = config.profile(_PROFILE)
    platform = Platform(device.type)
    with applied(config.settings, platform):
        model = load_model(_MODEL, images, profile.opt, device)
        request = standalone_request(model, _MODEL, profile, images, device, config=config, cache=cache_folder(root))
        pictures = list(evaluation_images().batches(profile.opt, model.preprocessing, EVALUATION_IMAGES, device))
        variants = [load_variant(name) for name in _VARIANTS[platform]]
        usable = [variant for variant in variants if why_unavailable(variant, platform) is None]
        clock, reference = make_clock(device), variants[0].build(request)
        return [row for variant in usable for row in writeup_rows(variant, request, reference, pictures, clock)]


def writeup_rows(
    variant: Variant, request: BuildRequest, reference: Built, pictures: Sequence[Tensor], clock: Clock
) -> Iterator[WriteupRow]:
    """Builds the variant once and measures it both ways; an engine on CUDA also as a replayed graph.

    ``pictures`` are float32 batches of one shape; ``reference`` is eager-fp32 of the same model.
    """
    plain = variant.build(request)
    module = getattr(plain, "module", None)
    state_bytes = None if module is None else _state_bytes(module)
    with tempfile.TemporaryDirectory() as temporary:
        loaded, size = None, state_bytes
        if isinstance(variant, StoredVariant):
            folder = Path(temporary)
            save_built(variant, plain, folder)
            size = sum(path.stat().st_size for path in folder.iterdir() if path.name != LAYERS_FILE)
            loaded = load_built(variant, request, folder, plain.facts)
        assert size is not None, "neither a module nor an engine"
        ways = _ways(variant, plain, request.device)
        for built, name in ways:
            loop_s, wall_s, device_s, agreement = _measured(built, reference, pictures, clock)
            yield WriteupRow(
                variant=name,
                loop_s=loop_s,
                state_dict_bytes=state_bytes,
                wall_s=wall_s,
                device_s=device_s,
                file_bytes=size,
                agreement=agreement,
                reloaded_equal=None if loaded is None else _equal(built, loaded, pictures),
            )
        if loaded is not None:
            loaded.close()
    # A replay closes what it replays.
    ways[-1][0].close()


def _ways(variant: Variant, plain: Built, device: torch.device) -> list[tuple[Built, str]]:
    ways = [(plain, variant.name)]
    if device.type == Platform.CUDA and isinstance(variant, StoredVariant):
        graph = GraphReplay(variant)
        ways.append((graph.replayed(plain), graph.name))
    return ways


def _measured(
    built: Built, reference: Built, pictures: Sequence[Tensor], clock: Clock
) -> tuple[float, list[float], list[float] | None, Agreement]:
    with torch.inference_mode(), clock.timed_region():
        # First of all, for its way has no warm-up.
        loop_s = _loop_s(built, torch.ones_like(pictures[0]))
        clock.now_s()  # waits for what the loop left behind
        agreement = check_answers(
            partial(answers, reference), partial(answers, built), pictures, cosine_bound=-1, classifies=True
        )
        calls = [partial(built.call, built.prepare(images)) for images in pictures]
        warm_up(clock, calls, _WARMUP_MAX_S)
        wall_s = [clock.wall_s(calls[index % len(calls)]) for index in range(_TIMED_CALLS)]
        return loop_s, wall_s, _device_s(clock, calls), agreement


def _equal(one: Built, other: Built, pictures: Sequence[Tensor]) -> bool:
    with torch.inference_mode():
        return all(
            torch.equal(a, b)
            for images in pictures
            for a, b in zip(answers(one, images), answers(other, images), strict=True)
        )


def _loop_s(built: Built, ones: Tensor) -> float:
    inputs = built.prepare(ones)
    started = time.perf_counter()
    for _ in range(LOOP_CALLS):
        built.call(inputs)
    return (time.perf_counter() - started) / LOOP_CALLS


def _device_s(clock: Clock, calls: Sequence[Any]) -> list[float] | None:
    try:
        return [clock.device_s(calls[index % len(calls)]) for index in range(_TIMED_CALLS)]
    except NotQueued:
        return None


def _state_bytes(module: nn.Module) -> int | None:
    """The size of the module's state dict as a file; None where it can't give one."""
    file = io.BytesIO()
    try:
        torch.save(module.state_dict(), file)
    except NotImplementedError:  # Torch-TensorRT 2.11 asks an engine of its C++ runtime for a length
        return None
    return file.tell()
