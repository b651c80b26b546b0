"""How often the tests cause each fault: a table of docs/reliability.md, from what the tests themselves say.

``python docs/scripts/fault_counts.py`` makes it anew.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from blocks import with_blocks
from repository import ROOT, at_root

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = ROOT / "docs" / "reliability.md"


def counts() -> dict[str, int]:
    """Times of each fault."""
    with at_root():
        from hypothesis import settings

        from perfkit.record.journal_file import line_of
        from tests.cli import test_import_at_once
        from tests.faults import test_databases, test_disk, test_disturbed, test_engines, test_inputs, test_kills
        from tests.faults import test_supervisor as supervised
        from tests.record import test_journal
        from tests.store import test_entry
    journal = b"".join(map(line_of, test_journal.small_records()))
    at_once = test_import_at_once
    return {
        "kills of `perfkit run` and of its processes, at random moments": test_kills.USUAL_KILLS,
        "cuts of a journal, at every byte": len(journal) + 1,
        "journals with a flipped bit": settings.default.max_examples if settings.default else 0,
        "crashes, hangs and excesses in a case": len(supervised.FAULTS),
        "the same in builds and loads": cases_of(supervised.test_a_build_or_a_model_breaks_all_that_need_it_at_once),
        "Ctrl-C and SIGTERM": cases_of(supervised.test_an_interrupt_leaves_a_journal_and_nothing_else),
        "moments at which the disk is full": cases_of(
            test_disk.test_a_disk_that_fills_up_is_told_in_a_line_and_the_run_gone_on_with
        ),
        "impossible times": cases_of(test_inputs.test_impossible_times_break_their_case_and_no_other),
        "disturbances of a round": len(test_disturbed.REASONS),
        "damaged, foreign and swapped engines": 2
        + cases_of(test_entry.test_a_damaged_or_foreign_entry_is_never_handed_out),
        "cuts of a timing cache, at every byte": test_engines.CUTS,
        "flipped bits of a timing cache, every one": test_engines.FLIPS,
        "ends of PostgreSQL in mid-import": len(test_databases.MOMENTS) + 1,
        "kills of an import into SQLite, after each statement": test_databases.STATEMENTS,
        "the same at random moments": test_databases.RANDOM_KILLS,
        "processes that import and promote at once": at_once.IMPORTED + at_once.TWICE + at_once.PROMOTED,
    }


def cases_of(test: Callable[..., Any]) -> int:
    """How many cases a parametrized test has."""
    marks = [mark for mark in vars(test)["pytestmark"] if mark.name == "parametrize"]
    return math.prod(len(list(mark.args[1])) for mark in marks)


def main() -> str:
    """The page with its table made anew."""
    rows = [f"| {fault} | {times:,} |" for fault, times in counts().items()]
    return with_blocks(PAGE, {"fault-counts": ["| fault | times |", "|---|---|", *rows]})


if __name__ == "__main__":
    PAGE.write_text(main(), "utf-8")
