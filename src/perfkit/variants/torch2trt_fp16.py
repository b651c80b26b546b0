"""torch2trt-fp16: NVIDIA's torch2trt on a half model, where it is installed.

No package index has it under NVIDIA's name, so no extra of perfkit brings it.
"""

from __future__ import annotations

import copy
import importlib
import time
import warnings
from typing import TYPE_CHECKING

from perfkit.catalog.case import Platform
from perfkit.errors import reason_of
from perfkit.variants.base import Variant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class Torch2TrtFp16(Variant):
    """An engine converted operator by operator, called by torch2trt's own module."""

    name = "torch2trt-fp16"
    platform = Platform.CUDA
    cosine_bound = 0.999
    precision_formats = ("half", "fp16")

    def unavailable(self) -> str | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module("torch2trt")
        except Exception as error:  # without TensorRT or a driver it raises whatever these raise
            return f"torch2trt can't be imported: {reason_of(error)}; install it from NVIDIA-AI-IOT/torch2trt"
        return None

    def build(self, request: BuildRequest) -> Built:
        import torch
        from torch2trt import torch2trt

        from perfkit.record.layers import EngineLayers
        from perfkit.variants._eager import BuiltModule
        from perfkit.variants._inspector import described_layers, engine_facts, engine_layers
        from perfkit.variants._tensorrt import activation_bytes, layer_information

        started = time.perf_counter()
        profile = request.profile
        with torch.no_grad():
            module = torch2trt(
                copy.deepcopy(request.model).half(),
                [request.example.half()],
                fp16_mode=True,
                min_shapes=[profile.min],
                opt_shapes=[profile.opt],
                max_shapes=[profile.max],
            )
        build_s = time.perf_counter() - started
        plan = bytes(module.engine.serialize())
        layers = described_layers(layer_information(module.engine))
        facts = engine_facts(
            [plan],
            layers,
            build_s=build_s,
            activation_bytes=activation_bytes(module.engine),
            fallback_ops=0,
            fallback_device_share=0.0,
        )
        built = BuiltModule(module, torch.half, facts)
        built.layers = EngineLayers(layers=engine_layers(layers, {}))
        return built
