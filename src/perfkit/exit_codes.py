"""Exit codes: the contract with CI scripts, the same for ``pytest`` and for every command.

2 and 3 are left out on purpose: ``make`` turns every failing recipe into 2, argparse and click use
2 for usage, pytest uses 2 and 3 for interruptions and internal errors and 5 for an empty
collection. The tolerable states therefore lie outside 0 to 5, so that a step which tolerates "no
baseline yet" cannot swallow a regression.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """What the end of a run or of a comparison says to the caller."""

    meaning: str
    """One line for ``--help`` and the documentation."""

    def __new__(cls, code: int, meaning: str) -> Self:
        """Keep the meaning beside the number."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    PASS = 0, "judged, and nothing got worse that isn't waived"
    FAIL = 1, "a verdict fails the run: REGRESSED, BROKEN or MISSING"
    USAGE = 4, "wrong usage or unreadable input"
    NOT_JUDGED = (
        10,
        "nothing could be judged: no baseline for this hardware, not comparable, a run against itself",
    )
    INCONCLUSIVE = 11, "judged without a failure, but a case could not be told apart from noise"
