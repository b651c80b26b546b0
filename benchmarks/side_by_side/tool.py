"""What the driver asks of a tool: measure all cases in a fresh process, and say what it thinks of an arm."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypedDict

import psutil

from benchmarks.side_by_side.workload import ARMS, VARIANTS, Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SLOWER, FASTER, SAME, UNDECIDED = "slower", "faster", "same", "undecided"


class Reading(TypedDict):
    """One fresh process's times by one clock, wall or device, and the speedups over the same model's first variant."""

    clock: str
    times_s: dict[str, float]
    speedups: dict[str, float]


class Said(TypedDict):
    """What a tool says of an arm by one of its rules: one word a case."""

    rule: str
    replicates: str
    """How many processes of the baseline and of the arm were looked at: ``5 : 3``."""
    cases: dict[str, str]


class Failed(RuntimeError):
    """A process ended as it shouldn't, or took too long; the message is one line."""


@dataclass(frozen=True)
class One:
    """One invocation of a tool: the number of the round, and the arm."""

    place: Place
    number: int
    limit_s: float

    def folder(self, tool: str) -> Path:
        """The tool's own in this round: others may be measured at the same time."""
        folder = self.place.folder / f"{tool}-{self.number}"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def name(self) -> str:
        """As file names have it."""
        return f"{self.place.arm}-{self.number}"

    def run(
        self,
        *arguments: str,
        folder: Path | None = None,
        codes: Sequence[int] = (0,),
        environment: Mapping[str, str] | None = None,
        with_errors: bool = False,
    ) -> str:
        """Starts this Python with the arguments and returns what it printed, errors too if asked for. Raises Failed."""
        command = [sys.executable, *arguments]
        own = os.environ | self.place.environment() | dict(environment or {})
        with subprocess.Popen(
            command,
            cwd=folder,
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if with_errors else subprocess.PIPE,
            text=True,
            start_new_session=True,  # who interrupts the whole ends it by kill_children, when all know of it
        ) as child:
            try:
                printed, errors = child.communicate(timeout=self.limit_s)
            except BaseException as error:
                _kill(child.pid)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise Failed(f"{' '.join(arguments[:3])}: not done within {self.limit_s:.0f} s") from None
                raise
        if child.returncode not in codes:
            last = ((errors or "").strip() or printed.strip() or "(nothing printed)").splitlines()[-1]
            raise Failed(f"{' '.join(arguments[:3])}: exit code {child.returncode}: {last[:200]}")
        return printed


def kill_children() -> None:
    """All that this process has started: what it waits for ends as failed."""
    for child in psutil.Process().children():
        _kill(child.pid)


def _kill(process_id: int) -> None:
    """With all that it has started: asv's processes and pytest's are in groups and sessions of their own."""
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process_id)
        for each in [*parent.children(recursive=True), parent]:
            with suppress(psutil.NoSuchProcess):
                each.kill()


@dataclass(frozen=True)
class Took:
    """An invocation's readings, one a fresh process, and what it took."""

    readings: list[Reading]
    seconds: float


class Tool(ABC):
    """One tool, as somebody who knows it would use it."""

    name: str
    module: str
    """What must be importable."""
    platforms: Sequence[str] = ("cpu", "cuda")
    arms: Sequence[str] = ARMS
    processes: int = 1
    """Fresh processes of every case in one invocation."""
    judges: bool = True
    """Whether it has a verdict of its own."""
    about_s: float
    """What an invocation takes on 2 cores; only an estimate is made of it."""

    def absent(self, platform: str) -> str | None:
        """Why it takes no part, in one line."""
        if platform not in self.platforms:
            return f"needs {' or '.join(self.platforms)}"
        return None if find_spec(self.module) is not None else f"{self.module} is not installed"

    def timed(self, one: One) -> Took:
        """An invocation with what it took, before anything is judged."""
        began_s = time.perf_counter()
        readings = self.measure(one)
        return Took(readings, time.perf_counter() - began_s)

    @abstractmethod
    def measure(self, one: One) -> list[Reading]:
        """All cases, in fresh processes. Raises Failed."""

    def judged(self, one: One) -> list[Said]:
        """What the tool says of an arm's invocation against the baseline of the same round."""
        return []

    def judged_together(self, place: Place, numbers: Mapping[str, Sequence[int]]) -> list[tuple[str, Said]]:
        """What it says of several invocations at once, with their arm; ``numbers`` are those that ended well."""
        return []


def reading(platform: str, times_s: Mapping[str, float], clock: str = "wall") -> Reading:
    """With the speedups that follow from the times."""
    reference, *others = VARIANTS[platform]
    speedups = {}
    for case in times_s:
        model, variant, shape = case.split("/")
        if variant in others:
            speedups[case] = times_s[f"{model}/{reference}/{shape}"] / times_s[case]
    return {"clock": clock, "times_s": dict(times_s), "speedups": speedups}


def words(cases: Sequence[str], slower: set[str]) -> dict[str, str]:
    """Of a rule that only knows slower."""
    return {case: SLOWER if case in slower else SAME for case in cases}


def tell(line: Any) -> None:
    """Progress, on standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
