"""The judgement as strict JSON, for programs; its schema is in docs/schema/."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.report.exporter import Report


def export(report: Report) -> bytes:
    """One JSON object, numbers in full precision, ending with a newline."""
    data = report.judgement.model_dump(mode="json")
    return (json.dumps(data, allow_nan=False, indent=2) + "\n").encode()
