"""One replicate: pytest in a fresh process, one more for each that dies, and the record that they leave."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perfkit.catalog.config import load_config
from perfkit.errors import UserError
from perfkit.history.location import OFF, VARIABLE
from perfkit.record.journal import LOST_DEVICE, SUFFIX, Expected, Journal, broken, read_journal, run_json
from perfkit.record.journal_file import append_records
from perfkit.record.read import read_run
from perfkit.record.write import write_run_json
from perfkit.replicates.supervise import ProcessEnd, ended_by_sigterm, run_supervised
from perfkit.tell import tell
from perfkit.untrusted import TOO_LARGE_RUN, check_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from perfkit.record.replicate import Run

_UNREADABLE = ".unreadable"
_IDLE_PROCESSES = 1
"""A process that died before its first case has one successor: what is killed by accident is not killed twice."""


class LostReplicate(Exception):
    """A replicate that isn't there; the message is the reason in one line."""


def measure_replicate(
    arguments: list[str], path: Path, *, held: int | None = None, expected: Expected | None = None
) -> Run:
    """One replicate, kept in ``path``; where there is a journal of it, what that lacks.

    A process that dies or exceeds its limits breaks the case that it was at, and another one goes on with the rest.
    Where that is impossible what was measured becomes a file that says that it is incomplete, beside its journal: it
    is returned, for it may hold broken cases that no other replicate has. ``held`` is a lock's descriptor, which the
    processes inherit; ``expected`` what the run was like before, and what of it is dropped.

    Raises LostReplicate where pytest left no record that can be read, and UserError where it refuses the request, for
    it would refuse the next one as well. What can't be read is kept beside ``path`` under another name.
    """
    journal = path.with_suffix(SUFFIX)
    _refuse_too_large(path.with_suffix(_UNREADABLE))
    _prepare(path, journal, expected)
    try:
        with ended_by_sigterm():
            _measure(arguments, path, journal, held)
    except LostReplicate as error:
        if not keep_incomplete(path):
            raise
        tell(f"{path.stem} stays incomplete: {error}")
        return read_run(path)
    except BaseException:  # an interrupt above all: whatever it is, what was measured is kept
        keep_incomplete(path)
        raise
    try:
        run = read_run(path)
    except UserError as error:
        path.replace(path.with_suffix(_UNREADABLE))
        raise LostReplicate(str(error)) from None
    finally:
        journal.unlink(missing_ok=True)
    return run


def those_not_lost(numbers: Iterable[int], measure: Callable[[int], Run | None]) -> Iterator[Run]:
    """A run's replicates as they are measured: one that is lost is told of, and the next one is measured.

    ``measure`` returns None for one that is left out. Raises UserError in the end where all that it tried are lost,
    and whatever else it raises.
    """
    lost, is_any = "", False
    for number in numbers:
        try:
            run = measure(number)
        except LostReplicate as error:
            lost = f"replicate {number} is lost: {error}"
            tell(lost)
            continue
        if run is not None:
            is_any = True
            yield run
    if lost and not is_any:
        raise UserError(f"no replicate was measured: {lost}")


def measure_part(arguments: list[str], journal: Path, expected: Expected) -> None:
    """What of a replicate ``expected`` leaves to this device; all that is known of it is in the new ``journal`` then.

    Raises LostReplicate and UserError as `measure_replicate` does.
    """
    path = journal.with_suffix(".json")
    _prepare(path, journal, expected)
    with ended_by_sigterm():
        _measure(arguments, path, journal, None)


def plan_replicate(arguments: list[str], journal: Path) -> None:
    """Begins a replicate and measures nothing: its plan, and what the machine is, are in the new ``journal`` then.

    Raises LostReplicate where that is impossible here, and UserError where pytest refuses the request.
    """
    _prepare(journal.with_suffix(".json"), journal, Expected(tests=[]))
    with ended_by_sigterm():
        end = _process(arguments, journal.with_suffix(".json"), journal, None)
    if read_journal(journal).sessions:
        return
    if end.code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if end.code in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise UserError(f"pytest ended with {end.code}, see above; nothing was measured")
    raise LostReplicate(f"{end.how} before its first case")


def check_arguments(arguments: list[str]) -> None:
    """Raises UserError for an argument of pytest that is perfkit's own to give."""
    for argument in arguments:
        if argument.startswith("--perfkit-baseline"):
            raise UserError("--perfkit-baseline goes before the --, as --baseline: the replicates are judged together")
        if argument.startswith("--perfkit-report"):
            raise UserError("--perfkit-report would be written anew by each replicate; perfkit report RUNS shows all")
        if argument.startswith("--benchmark-json"):
            raise UserError("--benchmark-json is perfkit's own here, a file for each replicate; leave it out")


def _refuse_too_large(unreadable: Path) -> None:
    """Raises LostReplicate where the replicate was measured whole, and is more than is read: it would be so again."""
    if unreadable.exists():
        try:
            check_size(unreadable.stat().st_size, str(unreadable), too_large=TOO_LARGE_RUN)
        except UserError as error:
            raise LostReplicate(str(error)) from None


def _prepare(path: Path, journal: Path, expected: Expected | None) -> None:
    if journal.exists():
        path.unlink(missing_ok=True)  # incomplete, and all of it is in the journal
    if journal.exists() and not (found := read_journal(journal)).sessions:
        if found.damaged > 1:  # another version's, or damaged: whoever knows better may still read it
            journal.replace(journal.with_suffix(_UNREADABLE))
        else:
            journal.unlink()  # its run died before the first case
    append_records(journal)  # it is there, and a line that was cut off stays alone
    if expected is not None and not read_journal(journal).sessions:
        append_records(journal, expected)


def _process(arguments: list[str], path: Path, journal: Path, held: int | None) -> ProcessEnd:
    """One process of pytest, from its start to its end."""
    command = [
        *(sys.executable, "-m", "pytest", *arguments, "--perfkit-baseline=none"),
        *(f"--benchmark-json={_plain(path)}", f"--perfkit-journal={journal}", f"--perfkit-parent={os.getpid()}"),
    ]
    # Whoever asked for the replicate knows whether it belongs to the history, and with which verdicts.
    environment = {**os.environ, VARIABLE: OFF}
    return run_supervised(command, environment, journal, load_config(Path()).process, held)


def _plain(path: Path) -> Path:
    """Written by pytest-benchmark itself where the tests are no cases, and there is no journal."""
    return path.with_name(f".{path.name}")


def _measure(arguments: list[str], path: Path, journal: Path, held: int | None) -> None:
    """Starts processes until one has come to the end or nothing is left, and ``path`` is there."""
    idle = 0
    while True:
        before = read_journal(journal)
        if before.sessions and not before.remaining:
            write_run_json(path, run_json(before))
            return
        end = _process(arguments, path, journal, held)
        if end.code == LOST_DEVICE:
            end = ProcessEnd(end.code, "its process has lost the GPU")
        after = read_journal(journal)
        _raise_if_broken_off(end, after)
        if _is_written(path, after):
            return
        if _is_at_a_case(before, after):
            _break_what_died(journal, after, end)
            idle = 0
        elif end.code in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED} or idle == _IDLE_PROCESSES:
            raise LostReplicate(f"{end.how} before its first case")
        else:
            tell(f"{path.stem}: {end.how} before its first case; another one tries")
            idle += 1


def _raise_if_broken_off(end: ProcessEnd, after: Journal) -> None:
    if end.code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if end.code in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}:
        measured = f"what was measured is in {after.source}" if after.ended else "nothing was measured"
        raise UserError(f"pytest ended with {end.code}, see above; {measured}")


def _is_written(path: Path, after: Journal) -> bool:
    """Whether the process came to its end; its file is in its place then."""
    if not after.sessions and (plain := _plain(path)).exists():
        plain.replace(path)
        return True
    if after.finished is not None and not path.exists():  # it died over it
        write_run_json(path, run_json(after))
    return after.finished is not None


def _is_at_a_case(before: Journal, after: Journal) -> bool:
    """Whether the process did anything, or began something that can be blamed."""
    return len(after.ended) > len(before.ended) or (
        len(after.sessions) > len(before.sessions) and after.doing is not None
    )


def _break_what_died(path: Path, after: Journal, end: ProcessEnd) -> None:
    """Blames what the process was at."""
    doing = after.doing
    blamed = [planned for planned in after.remaining if doing is not None and doing.concerns(planned)]
    append_records(path, *(broken(planned, f"{end.how} while {doing}") for planned in blamed))
    at = f" while {doing}" if doing is not None else ""
    left = len(after.remaining) - len(blamed)
    tell(f"{path.stem}: {end.how}{at}; {f'another one measures the {left} left' if left else 'nothing is left'}")


def finished_replicate(path: Path) -> Run | None:
    """The replicate in the file, if all of it is there; None where something is left to measure, or all of it.

    A file that can't be read is no matter where its journal is there: all of it is in that. Raises UserError for one
    without.
    """
    if not path.exists():
        return None
    journal = path.with_suffix(SUFFIX)
    try:
        found = read_run(path)
    except UserError:
        if journal.exists() and read_journal(journal).sessions:
            return None
        raise
    if found.incomplete is not None:
        return None
    journal.unlink(missing_ok=True)  # its process may have died between the two
    return found


def keep_incomplete(path: Path) -> bool:
    """Beside its journal the file of what there is of a replicate, for tools that know no journals; none of nothing.

    Whether there is anything.
    """
    journal = path.with_suffix(SUFFIX)
    found = read_journal(journal)
    if found.ended:
        write_run_json(path, run_json(found))
    else:
        journal.unlink()
    return bool(found.ended)
