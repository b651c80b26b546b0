"""What the variants built by TensorRT itself have in common besides building. It starts without torch."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import TYPE_CHECKING, ClassVar

from perfkit.catalog.case import Platform
from perfkit.errors import reason_of
from perfkit.variants._packages import not_installed
from perfkit.variants.base import BuildRequest, Built, StoredVariant

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.record.facts import BuildFacts

_FILE = "engine.plan"


class OnnxTrtVariant(StoredVariant):
    """torch → ONNX → TensorRT's builder: what identifies an engine, how it is saved and loaded."""

    platform = Platform.CUDA
    isolated = True
    needs: ClassVar[tuple[str, ...]] = ("onnx",)
    """Packages besides tensorrt that must be installed."""

    def unavailable(self) -> str | None:
        if reason := not_installed(self.needs, "trt"):
            return reason
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module("tensorrt")
        except Exception as error:  # a broken installation may raise anything
            return f"tensorrt can't be imported: {reason_of(error)}; pip install 'perfkit[trt]'"
        return None

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        import tensorrt
        import torch

        from perfkit.store.key import source_sha256
        from perfkit.variants import _export, _inspector, _onnx, _onnx_trt, _tensorrt

        return {
            "torch": torch.__version__,
            "tensorrt": tensorrt.__version__,
            "tf32": str(request.tf32),
            "source_sha256": source_sha256(
                sys.modules[type(self).__module__], _onnx_trt, _onnx, _tensorrt, _inspector, _export
            ),
        }

    def save(self, built: Built, folder: Path) -> None:
        from perfkit.variants._tensorrt import BuiltEngine

        assert isinstance(built, BuiltEngine)
        (folder / _FILE).write_bytes(built.plan)

    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        from perfkit.variants._tensorrt import load_engine

        return load_engine(folder / _FILE, facts)
