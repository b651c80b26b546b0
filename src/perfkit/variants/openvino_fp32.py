"""openvino-fp32: OpenVINO's CPU plugin at float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.variants._openvino_base import OpenvinoVariant

if TYPE_CHECKING:
    from perfkit.variants.base import BuildRequest, Built


class OpenvinoFp32(OpenvinoVariant):
    """The model converted to OpenVINO and compiled for latency."""

    name = "openvino-fp32"
    cosine_bound = 0.9999
    precision_formats = ("f32",)

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._openvino import build

        return build(request)
