"""trt-ts-fp16: Torch-TensorRT's TorchScript front end on a half model, as long as its builds still have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.variants._torch_tensorrt_base import TorchTensorrtVariant

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.record.facts import BuildFacts
    from perfkit.variants.base import BuildRequest, Built

_FILE = "module.ts"


class TrtTsFp16(TorchTensorrtVariant):
    """A weakly typed half-precision engine in a scripted module."""

    name = "trt-ts-fp16"
    cosine_bound = 0.999
    precision_formats = ("half", "fp16")

    def unavailable(self) -> str | None:
        if reason := super().unavailable():
            return reason
        import torch_tensorrt

        if not hasattr(torch_tensorrt, "ts"):
            return "this Torch-TensorRT was built without its TorchScript front end (torch_tensorrt.ts)"
        return None

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        from perfkit.store.key import source_sha256
        from perfkit.variants import _onnx, _torch_tensorrt_ts

        return {**super().key_parts(request), "torchscript_sha256": source_sha256(_torch_tensorrt_ts, _onnx)}

    def build(self, request: BuildRequest) -> Built:
        from perfkit.variants._torch_tensorrt_ts import compile_traced

        return compile_traced(request)

    def save(self, built: Built, folder: Path) -> None:
        from perfkit.variants._torch_tensorrt_ts import BuiltTorchscript, save_module

        assert isinstance(built, BuiltTorchscript)
        save_module(built.scripted, folder / _FILE)

    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        # The import defines the class of the engines and the operator that runs them.
        import torch_tensorrt  # noqa: F401

        from perfkit.variants._torch_tensorrt_ts import BuiltTorchscript, load_module

        return BuiltTorchscript(load_module(folder / _FILE), facts)
