"""Faults that are really put into a case while it is measured: how a gate is tried out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from perfkit.catalog.case import CaseId
from perfkit.errors import UserError

_FAULT = re.compile(
    r"(?P<model>[^/]+)/(?P<variant>[^/]+)/(?P<shape>[^/=]+)="
    r"(?:(?P<sized>slow|host):(?P<percent>[0-9]{1,6}(\.[0-9]{1,6})?)%|(?P<kind>wrong|vanish|lost-graph|fp32-engine))"
)


class FaultKind(StrEnum):
    """What is done to the case."""

    SLOW = "slow"
    """Each call takes longer by a share of its own time: on CUDA of the device's, by a kernel that spins."""
    HOST = "host"
    """The host spins for a share of the call's wall time, the device has nothing more to do."""
    WRONG = "wrong"
    """Its answers have the wrong sign."""
    VANISH = "vanish"
    """It is planned and not run."""
    LOST_GRAPH = "lost-graph"
    """A ``-graph`` variant is called without its graph: the host launches kernel by kernel again."""
    FP32_ENGINE = "fp32-engine"
    """What is built for it computes in float32, and passes for what it is named for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; ``share`` is the size of a slowdown, 0 for the other kinds."""

    case: CaseId
    kind: FaultKind
    share: float = 0.0

    def __str__(self) -> str:
        size = f":{100 * self.share:g}%" if self.share else ""
        return f"{self.case}={self.kind}{size}"


def parse_fault(text: str) -> Fault:
    """What ``str`` of a fault gives.

    Raises UserError for anything else.
    """
    match = _FAULT.fullmatch(text)
    if match is None:
        raise UserError(
            f"--perfkit-fault {text!r}: expected MODEL/VARIANT/SHAPE=FAULT, for example "
            "resnet18/openvino-int8/1x3x224x224=slow:10%, host:50%, wrong, vanish, lost-graph or fp32-engine"
        )
    case = CaseId(match["model"], match["variant"], match["shape"])
    kind = FaultKind(match["sized"] or match["kind"])
    return Fault(case, kind, float(match["percent"] or 0) / 100)
