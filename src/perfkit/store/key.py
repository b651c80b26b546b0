"""The key of an engine: everything that shapes it, as text, and the digest of that."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from perfkit.record.model import Model

if TYPE_CHECKING:
    from types import ModuleType

_MODEL, _VARIANT = "model", "variant"


class EngineKey(Model):
    """Named parts, ``graph_sha256`` or ``tensorrt`` for instance. Equal parts, equal engine, as far as can be known.

    Two builds of one key may still differ (builders time kernels and choose by the clock), which is why the built
    engine itself is kept and not only the way to it.
    """

    parts: dict[str, str] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """SHA-256 over the sorted parts, in hex: the entry's name."""
        text = json.dumps(self.parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    @property
    def what(self) -> str:
        """Model and variant, for people."""
        return f"{self.parts.get(_MODEL, '?')}/{self.parts.get(_VARIANT, '?')}"

    def same_purpose(self, other: EngineKey) -> bool:
        """Whether both are the same variant of a model of the same name."""
        return self.what == other.what

    def differences(self, other: EngineKey) -> list[str]:
        """What differs from ``other``, one short phrase a part: ``tensorrt 10.6 -> 10.15``."""
        names = sorted(self.parts.keys() | other.parts.keys())
        return [
            f"{name} {_short(other.parts.get(name))} -> {_short(self.parts.get(name))}"
            for name in names
            if self.parts.get(name) != other.parts.get(name)
        ]


def source_sha256(*modules: ModuleType) -> str:
    """A digest of the source of the modules that build an engine.

    Part of the key, because a changed way of building makes another engine, whoever forgets to say so.
    """
    digest = hashlib.sha256()
    for module in modules:
        assert module.__file__ is not None
        digest.update(Path(module.__file__).read_bytes())
    return digest.hexdigest()


_SHORTENED_FROM = 40


def _short(value: str | None) -> str:
    if value is None:
        return "(none)"
    return value if len(value) <= _SHORTENED_FROM else value[:8]
