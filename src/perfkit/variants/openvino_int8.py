"""openvino-int8: NNCF post-training quantization on the calibration images, run by OpenVINO's CPU plugin."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from perfkit.variants._openvino_base import OpenvinoVariant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class OpenvinoInt8(OpenvinoVariant):
    """The converted model, quantized on the calibration pictures."""

    name = "openvino-int8"
    needs = ("openvino", "nncf")
    cosine_bound = 0.97
    precision_formats = ("i8", "u8")

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        return {**super().key_parts(request), "calibration_sha256": request.calibration_sha256}

    def build(self, request: BuildRequest) -> Built:
        import nncf

        from perfkit.variants._openvino import compile_model, convert

        started = time.perf_counter()
        nncf.set_log_level(logging.ERROR)
        images = [batch[i : i + 1].numpy() for batch in request.calibration for i in range(batch.shape[0])]
        quantized = nncf.quantize(convert(request), nncf.Dataset(images), subset_size=len(images))
        return compile_model(quantized, request, started)
