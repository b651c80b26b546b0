"""What a variant is: a way to execute a model, built once for a shape profile and called at many shapes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a variant's name and reason are asked for before torch is imported
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch
    from torch import Tensor, nn

    from perfkit.catalog.case import Platform
    from perfkit.catalog.config import Precision, Quantization
    from perfkit.catalog.profile import ShapeProfile
    from perfkit.record.facts import BuildFacts
    from perfkit.record.layers import EngineLayers


@dataclass(frozen=True)
class BuildRequest:
    """What a variant is built from.

    ``model`` is the reference itself: float32, eval mode, on ``device``. A variant that changes it works on a copy.
    ``example`` is one float32 batch of the profile's optimum shape on ``device``; ``calibration`` holds batches of
    all its shapes, because one engine serves them all and activations differ with the size.
    ``cache`` is a folder that outlives the run, for timing caches. An isolated build may take ``time_limit_s``.
    """

    model: nn.Module
    profile: ShapeProfile
    example: Tensor
    calibration: Sequence[Tensor]
    device: torch.device
    cache: Path
    tf32: bool
    label: str
    weights_sha256: str
    calibration_sha256: str
    machine: Mapping[str, str]
    quantization: Quantization
    precision: Precision
    time_limit_s: float


class Built(ABC):
    """A built variant. ``call`` alone is timed; ``prepare`` and ``unpack`` are not."""

    layers: EngineLayers | None = None
    """What the backend tells of the engine's layers, if it does."""

    def __init__(self, facts: BuildFacts) -> None:
        self.facts = facts

    def prepare(self, images: Tensor) -> Any:
        """Turns float32 images (batch, 3, height, width) into what ``call`` takes; outside of any timing.

        A caller of a half-precision model feeds it half-precision images, so the cast is not part of its latency.
        """
        return images

    @property
    def capturable(self) -> Built:
        """Whose calls can be captured as a CUDA graph: what a replayed graph was captured from, else this itself."""
        return self

    @abstractmethod
    def call(self, inputs: Any) -> Any:
        """One forward pass. On CUDA it may return before the work is done; the caller synchronizes."""

    def unpack(self, outputs: Any) -> tuple[Tensor, ...]:
        """The outputs as tensors, in the reference's order and count."""
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def close(self) -> None:  # noqa: B027 - most variants have nothing to free
        """Frees what the variant holds; it isn't called again afterwards."""


class Variant(ABC):
    """A backend at a precision. Subclasses are registered in the entry-point group ``perfkit.variants``."""

    name: str
    """backend-precision, as in ids, records and reports."""
    platform: Platform | None = None
    """The only platform that it exists for; None: both."""
    cosine_bound: float
    """The lowest cosine to the reference's answers, over the evaluation images, that still counts as the same
    model. Below it the variant is BROKEN, whatever its speed."""

    precision_formats: tuple[str, ...] = ()
    """How the precision in its name shows in the formats of layer outputs, in lower case and in part: ``half``.
    A build whose layers are known and show it nowhere is BROKEN; (): nothing to prove."""

    def unavailable(self) -> str | None:
        """Why this machine can't run the variant, in one line; None when it can.

        Must not raise: a broken installation is a reason too.
        """
        return None

    @abstractmethod
    def build(self, request: BuildRequest) -> Built:
        """Builds for all shapes of the profile. Whatever it raises makes its cases BROKEN with that reason."""


class VariantBroken(RuntimeError):
    """What was built can't be measured, or nothing was built; the message is the reason in one line."""


class CalibrationUnsupported(VariantBroken):
    """The configuration asks for ranges that the variant can't find so; the message is the reason in one line."""


class StoredVariant(Variant):
    """A variant whose engines are kept: built once, loaded by every later run until something in the key changes."""

    isolated: bool = False
    """Whether it is built in a child process, for its builder is native code that may hang or crash. Variant and
    request are pickled then, and what was built is saved there and loaded here."""

    @abstractmethod
    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        """What shapes the engine beyond model, weights, profile and hardware.

        Versions, options, calibration, and the source of what builds it.
        """

    @abstractmethod
    def save(self, built: Built, folder: Path) -> None:
        """Writes the engine into the empty folder, as plain files."""

    @abstractmethod
    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        """The engine that :meth:`save` wrote, as fit to be called as a fresh one; ``facts`` are the build's."""
