"""Where a baseline came from: who changed it, when, why, by which runs, and against which objections."""

import getpass
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from perfkit.record.dates import order
from perfkit.record.git import git_if_it_can
from perfkit.record.model import Model, Told
from perfkit.record.replicate import Run, distinct


class RunSource(Model):
    """One run that was promoted."""

    run_id: str
    file: str = Field(description="relative to the folder that it was promoted in; the name alone from elsewhere")
    datetime: str
    commit: str


class Change(Model):
    """One time that a command changed the file."""

    action: Literal["promote", "prune", "rename"]
    datetime: str
    by: str
    reason: Told = ""
    cases: str | None = Field(default=None, description="the glob that --cases gave; OLD -> NEW of a renaming")
    runs: list[RunSource] = Field(default_factory=list)
    accepted: list[Told] = Field(
        default_factory=list, description="what spoke against it and was accepted by --reason or --force"
    )
    anchors_moved: list[str] = Field(
        default_factory=list, description="anchors that were set anew, from where to where"
    )


def sources(runs: Iterable[Run], here: Path) -> list[RunSource]:
    """The runs as a baseline names them, in the order of their dates; no path of one machine is among them."""
    named = [
        RunSource(
            run_id=run.replicate.run_id,
            file=_relative(Path(run.source), here),
            datetime=run.replicate.datetime,
            commit=run.replicate.commit,
        )
        for run in distinct(runs)
    ]
    return sorted(named, key=lambda source: (order(source.datetime), source.run_id))


def who() -> str:
    """The person as git knows them, else the user of the system."""
    name, email = (_told(git_if_it_can(Path(), "config", key)) for key in ("user.name", "user.email"))
    if name:
        return f"{name} <{email}>" if email else name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


def _relative(path: Path, here: Path) -> str:
    try:
        return path.resolve().relative_to(here.resolve()).as_posix()
    except ValueError:
        return path.name


def _told(printed: bytes) -> str:
    try:
        return printed.decode("utf-8").strip()
    except UnicodeDecodeError:
        return ""
