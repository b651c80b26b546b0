"""Names inside the page: the same case has the same link in every report."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perfkit.catalog.case import CaseId

_LONGEST, _DIGITS = 60, 8


def anchor(case: CaseId) -> str:
    """The id of a case's section; what tells it from its like is a digest, what people read is the rest."""
    return name_of("c", "/".join(case))


def name_of(prefix: str, text: str) -> str:
    """An id that holds letters, digits and dashes only, different for different texts."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower())[:_LONGEST].strip("-")
    return f"{prefix}-{slug}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}"
