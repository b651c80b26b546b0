"""What the OpenVINO variants have in common besides building. It starts without torch, as every variant does."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

from perfkit.catalog.case import Platform
from perfkit.variants._packages import not_installed
from perfkit.variants.base import BuildRequest, Built, StoredVariant

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.record.facts import BuildFacts

_FILE = "compiled.blob"


class OpenvinoVariant(StoredVariant):
    """A model compiled for OpenVINO's CPU plugin: what identifies it, how it is saved and loaded."""

    platform = Platform.CPU
    isolated = True
    needs: ClassVar[tuple[str, ...]] = ("openvino",)
    """Packages that must be installed."""

    def unavailable(self) -> str | None:
        return not_installed(self.needs, "cpu")

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        from perfkit.store.key import source_sha256
        from perfkit.variants import _openvino

        return {
            **{package: version(package) for package in ("torch", *self.needs)},
            "options": str(_openvino.options()),
            "source_sha256": source_sha256(sys.modules[type(self).__module__], _openvino),
        }

    def save(self, built: Built, folder: Path) -> None:
        from perfkit.variants._openvino import BuiltOpenvino

        assert isinstance(built, BuiltOpenvino)
        assert built.blob is not None, "only a fresh build is saved"
        (folder / _FILE).write_bytes(built.blob)

    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        from perfkit.variants._openvino import load_model

        return load_model((folder / _FILE).read_bytes(), facts)
