"""What runs on a device of a fleet: one process at a time that measures, and the engines that it shares with others.

Plain Python: `on_ray` makes actors of it. What it is given and what it answers are pickled between machines.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from perfkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from perfkit.fleet.parcel import Parcel

_MOST_OUTPUT_BYTES = 20_000
"""Of what a process printed the end is sent: tables and tracebacks of cases that broke."""
_STANDARD_ERROR = 2


@dataclass(frozen=True)
class About:
    """Where a worker is and what it would measure."""

    host: str
    store: str
    """The engine store that it uses; two workers with one name share it."""
    code: dict[str, str]
    """As `code_in` has it."""


@dataclass(frozen=True)
class Answer:
    """What came of a task."""

    journal: bytes
    """Of the part that was measured, whole; empty where there is a problem."""
    output: str
    """The end of what was printed meanwhile."""
    problem: str = ""
    """Why nothing was measured, in one line."""
    is_refused: bool = False
    """Pytest refused the request: it would refuse it on other devices too."""
    used: tuple[str, ...] = field(default=())
    """Entries of the engine store that were loaded or made."""


class Worker:
    """One device. Each method runs to its end before the next one begins: an actor has one thread."""

    def __init__(self, project: str, variables: Mapping[str, str | None]) -> None:
        """``project`` is the folder in which the suite is, here as well as where the run was asked for.

        ``variables`` are put into the environment, or taken out of it. Raises UserError where there is no such folder.
        """
        for name, value in variables.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        try:
            os.chdir(project)
        except OSError as error:
            raise UserError(
                f"{socket.gethostname()}: {project}: {error.strerror}; each node needs the project"
            ) from None

    def about(self) -> About:
        """Where this is."""
        from perfkit.record.code import code_in
        from perfkit.store.engine_store import cache_folder

        store = f"{socket.gethostname()}:{cache_folder(Path()).resolve()}"
        return About(socket.gethostname(), store, code_in(Path()))

    def plan(self, arguments: list[str]) -> Answer:
        """A journal that holds one session and nothing measured: the plan, and what the device is."""
        from perfkit.replicates.processes import plan_replicate

        return _answered(lambda journal: plan_replicate(arguments, journal))

    def measure(self, arguments: list[str], expected: Mapping[str, object], *parcels: Parcel) -> Answer:
        """Measures the tests that ``expected`` names; ``parcels`` are engines that other hosts have built."""
        from perfkit.fleet.parcel import last_used_s, unpack, used_since
        from perfkit.record.journal import Expected
        from perfkit.replicates.processes import measure_part

        for parcel in parcels:
            unpack(parcel, Path())
        before_s = last_used_s(Path())
        answer = _answered(lambda journal: measure_part(arguments, journal, Expected.model_validate(expected)))
        return Answer(**{**vars(answer), "used": used_since(Path(), before_s)})

    def pack(self, digests: tuple[str, ...]) -> Parcel:
        """Engines of this host for another one, with its timing caches."""
        from perfkit.fleet.parcel import pack

        return pack(Path(), digests)


def _answered(measure: Callable[[Path], None]) -> Answer:
    from perfkit.replicates.processes import LostReplicate

    with tempfile.TemporaryDirectory(prefix="perfkit-") as folder:
        journal, printed = Path(folder) / "part.journal", Path(folder) / "output.txt"
        problem, is_refused = "", False
        with _printing_into(printed):
            try:
                measure(journal)
            except (LostReplicate, UserError) as error:
                problem, is_refused = str(error), isinstance(error, UserError)
        raw = b"" if problem or not journal.exists() else journal.read_bytes()
        output = printed.read_bytes()[-_MOST_OUTPUT_BYTES:].decode("utf-8", "replace")
    return Answer(raw, output, problem, is_refused)


@contextlib.contextmanager
def _printing_into(path: Path) -> Iterator[None]:
    """Standard error of this process and of those that it starts goes into the file: nothing of it is mixed up."""
    sys.stderr.flush()
    before = os.dup(_STANDARD_ERROR)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), _STANDARD_ERROR)
            yield
    finally:
        sys.stderr.flush()
        os.dup2(before, _STANDARD_ERROR)
        os.close(before)
