"""openvino-int8: NNCF post-training quantization on the calibration images, run by OpenVINO's CPU plugin."""

from __future__ import annotations

import logging
import time
from importlib.util import find_spec

from perfkit.catalog.case import Platform
from perfkit.variants.base import BuildRequest, Built, Variant


class OpenvinoInt8(Variant):
    """The converted model, quantized on the calibration pictures."""

    name = "openvino-int8"
    platform = Platform.CPU
    cosine_bound = 0.97

    def unavailable(self) -> str | None:
        for package in ("openvino", "nncf"):
            if find_spec(package) is None:
                return f"{package} is not installed; pip install 'perfkit[cpu]'"
        return None

    def build(self, request: BuildRequest) -> Built:
        import nncf

        from perfkit.variants._openvino import compile_model, convert

        started = time.perf_counter()
        nncf.set_log_level(logging.ERROR)
        images = [batch[i : i + 1].numpy() for batch in request.calibration for i in range(batch.shape[0])]
        quantized = nncf.quantize(convert(request), nncf.Dataset(images), subset_size=len(images))
        return compile_model(quantized, started)
