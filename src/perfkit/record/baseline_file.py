"""The schema of a baseline file: small, in a stable order, made to be read in a diff."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from perfkit.record.anchor import Anchor
from perfkit.record.model import Model
from perfkit.record.provenance import Change
from perfkit.record.replicate import Replicate, by_date, rounded
from perfkit.record.schema import Hardware

BASELINE_VERSION, OLDEST_VERSION = 2, 1
"""Version 1 had neither changes nor anchors; it is read, and becomes version 2 with the next promotion."""
_FREE_KEYS = ("software", "settings", "comparability", "facts", "costs", "custom_metrics", "spent_s")
"""Objects whose keys aren't the schema's: sorted, or two runs would have them in two orders."""


class BaselineFile(Model):
    """``results/baselines/<hardware>.json``; written by ``perfkit promote`` and ``perfkit baseline`` only."""

    kind: Literal["perfkit-baseline"] = "perfkit-baseline"
    schema_version: Literal[1, 2] = 2
    hardware: Hardware
    reason: str = Field(description="of the newest promotion that had one")
    changes: list[Change] = Field(default_factory=list, description="who changed it and why, the oldest first")
    anchors: list[Anchor] = Field(default_factory=list, description="the first reviewed level of each case, by case")
    replicates: list[Replicate]


def baseline_json(
    hardware: Hardware,
    replicates: Iterable[Replicate],
    reason: str,
    *,
    changes: Iterable[Change] = (),
    anchors: Iterable[Anchor] = (),
) -> dict[str, Any]:
    """What a baseline file holds, with six significant digits and absent values left out."""
    ordered = sorted(replicates, key=by_date)
    file = BaselineFile(
        hardware=hardware,
        reason=reason,
        changes=list(changes),
        anchors=sorted(anchors, key=lambda anchor: anchor.case),
        replicates=ordered,
    )
    dumped = file.model_dump(mode="json", exclude_none=True)
    return {key: _rounded(value) for key, value in dumped.items()}


def _rounded(node: object) -> object:
    if isinstance(node, dict):
        return {
            key: _rounded(dict(sorted(value.items())) if key in _FREE_KEYS and isinstance(value, dict) else value)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_rounded(value) for value in node]
    return rounded(node) if isinstance(node, float) else node
