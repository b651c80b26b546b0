"""Lines of progress and warnings, beside what a command prints as its result."""

from __future__ import annotations

import sys


def tell(line: str) -> None:
    """On standard error, where pytest's own output goes too; what its encoding can't show is escaped there."""
    sys.stderr.write(f"perfkit: {line}\n")
    sys.stderr.flush()
