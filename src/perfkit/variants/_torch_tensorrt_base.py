"""What the Torch-TensorRT variants have in common besides building. It starts without torch, as every variant does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from perfkit.catalog.case import Platform
from perfkit.variants._packages import not_installed
from perfkit.variants.base import BuildRequest, Built, StoredVariant

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.record.facts import BuildFacts

_FILE = "module.pt"


class TorchTensorrtVariant(StoredVariant):
    """A graph module with TensorRT engines in it: what identifies it, how it is saved and loaded."""

    platform = Platform.CUDA
    isolated = True
    needs: ClassVar[tuple[str, ...]] = ()
    """Packages besides torch_tensorrt that a build imports."""

    def unavailable(self) -> str | None:
        from perfkit.variants._torch_tensorrt import why_unavailable

        return why_unavailable() or not_installed(self.needs, "trt")

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        import tensorrt
        import torch
        import torch_tensorrt

        from perfkit.store.key import source_sha256
        from perfkit.variants import _export, _fallback, _inspector, _torch_tensorrt

        return {
            "torch": torch.__version__,
            "torch_tensorrt": torch_tensorrt.__version__,
            "tensorrt": tensorrt.__version__,
            "tf32": str(request.tf32),
            "source_sha256": source_sha256(
                sys.modules[type(self).__module__], _torch_tensorrt, _fallback, _inspector, _export
            ),
        }

    def save(self, built: Built, folder: Path) -> None:
        from perfkit.variants._torch_tensorrt import BuiltTensorrt, save_module

        assert isinstance(built, BuiltTensorrt)
        save_module(built.module, folder / _FILE)

    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        # The import defines the class of the engines and the operator that runs them.
        import torch_tensorrt  # noqa: F401

        from perfkit.variants._torch_tensorrt import BuiltTensorrt, load_module

        return BuiltTensorrt(load_module(folder / _FILE), facts)
