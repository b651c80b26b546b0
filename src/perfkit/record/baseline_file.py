"""The schema of a baseline file: small, in a stable order, made to be read in a diff."""

from collections.abc import Iterable
from typing import Any, Literal

from perfkit.record.replicate import Replicate, rounded
from perfkit.record.schema import Hardware, Model

BASELINE_VERSION = 1


class BaselineFile(Model):
    """``results/baselines/<hardware>.json``; written by ``perfkit promote`` only."""

    kind: Literal["perfkit-baseline"] = "perfkit-baseline"
    schema_version: Literal[1] = 1
    hardware: Hardware
    reason: str
    replicates: list[Replicate]


def baseline_json(hardware: Hardware, replicates: Iterable[Replicate], reason: str) -> dict[str, Any]:
    """What a baseline file holds, with six significant digits and absent values left out."""
    ordered = sorted(replicates, key=lambda replicate: (replicate.datetime, replicate.run_id))
    file = BaselineFile(hardware=hardware, reason=reason, replicates=ordered)
    dumped = file.model_dump(mode="json", exclude_none=True)
    return {key: _rounded(value) for key, value in dumped.items()}


def _rounded(node: object) -> object:
    if isinstance(node, dict):
        return {key: _rounded(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_rounded(value) for value in node]
    return rounded(node) if isinstance(node, float) else node
