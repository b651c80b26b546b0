"""What a custom metric is: a number of the user's own, taken of every case after its rounds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a metric's name and unit are asked for before torch is imported
    from collections.abc import Callable

    import torch

    from perfkit.catalog.case import Shape
    from perfkit.record.facts import Better, BuildFacts


@dataclass(frozen=True)
class CaseUnderTest:
    """A case that has been built, checked, warmed up and timed.

    ``call`` is one call of the variant on prepared pictures, done when it returns: it waits for the device. It may be
    called from several threads. ``facts`` are the build's.
    """

    call: Callable[[], object]
    shape: Shape
    device: torch.device
    facts: BuildFacts


class CaseMetric(ABC):
    """A number per case and replicate. Subclasses are registered in the entry-point group ``perfkit.metrics``."""

    name: str
    """As in suites, records and reports; another one than those of perfkit's own metrics."""
    unit: str
    """As people read it, behind the number: ``img/s``."""
    better: Better
    """Which way is a gain."""
    tolerance: float
    """By what share it may get worse before its case is REGRESSED, and must get better before that is told: 0.1."""

    def unavailable(self) -> str | None:
        """Why this machine can't measure it, in one line; None when it can. Must not raise."""
        return None

    @abstractmethod
    def measure(self, case: CaseUnderTest) -> float:
        """The number, above 0. Whatever it raises leaves the case without one, and the record says why."""
