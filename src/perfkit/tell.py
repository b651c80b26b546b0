"""Lines of progress and warnings, beside what a command prints as its result."""

from __future__ import annotations

import sys

from perfkit.credentials import without_credentials


def tell(line: str) -> None:
    """On standard error, where pytest's own output goes too; what its encoding can't show is escaped there.

    Logs of CI are read by many: no line has a password, whoever put it there.
    """
    sys.stderr.write(f"perfkit: {without_credentials(line)}\n")
    sys.stderr.flush()
