"""openvino-fp32: OpenVINO's CPU plugin at float32."""

from __future__ import annotations

import time
from importlib.util import find_spec

from perfkit.catalog.case import Platform
from perfkit.variants.base import BuildRequest, Built, Variant


class OpenvinoFp32(Variant):
    """The model converted to OpenVINO and compiled for latency."""

    name = "openvino-fp32"
    platform = Platform.CPU
    cosine_bound = 0.9999

    def unavailable(self) -> str | None:
        if find_spec("openvino") is None:
            return "openvino is not installed; pip install 'perfkit[cpu]'"
        return None

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._openvino import compile_model, convert

        started = time.perf_counter()
        return compile_model(convert(request), started)
