"""What a run was asked for, kept in its folder, so that it can be gone on with when it died."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from perfkit.errors import UserError
from perfkit.record.code import code_in
from perfkit.record.journal import RUN_JOURNAL, SUFFIX, differences, run_identity
from perfkit.record.journal_file import append_records, read_journal_lines
from perfkit.record.model import Model
from perfkit.record.read import read_run_json, run_files
from perfkit.record.schema import RunRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfkit.catalog.case import CaseId
    from perfkit.catalog.waivers import Waiver
    from perfkit.judge.limits import Limits
    from perfkit.judge.verdict import Judgement
    from perfkit.replicates.budgeted import Budget


RUNS = "runs"
"""Below the results folder: one folder a run, one file a replicate."""


class Request(Model):
    """The first record of a run's own journal: what was asked for, and of which code."""

    kind: Literal["run"] = "run"
    arguments: list[str] = Field(description="for pytest")
    replicates: int = Field(ge=1)
    repeats: int = Field(ge=0)
    baseline: str
    budget: str | None = None
    on: str | None = Field(default=None, description="the fleet that measures it; None: this process's own device")
    hardware: str = Field(default="", description="of a fleet's, what this run is of")
    code: dict[str, str]
    shard: str | None = Field(default=None, description="which part of the suite's models of how many: 2/4")


class Verdicts(Model):
    """Its last record: how the run came out. With it the run is finished."""

    kind: Literal["verdicts"] = "verdicts"
    verdicts: dict[str, str]
    dropped: dict[str, list[str]] = Field(default_factory=dict, description="by replicate, what --budget left out")
    exit_code: int


@dataclass(frozen=True)
class Wanted:
    """What was asked for, with the project's rules."""

    request: Request
    results: Path
    limits: Limits
    waivers: tuple[Waiver, ...]
    budget: Budget | None


def dated_name() -> str:
    """Of a folder that is made now: names in their order are in the order of time."""
    return dt.datetime.now(dt.UTC).strftime("%Y%m%d_%H%M%S_%f")


def begin(folder: Path, request: Request) -> None:
    """Makes the run's folder. Raises UserError where it can't be written or is another run's."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        raise UserError(f"{folder}: cannot be made: {error.strerror}") from error
    append_records(folder / RUN_JOURNAL, request)


def conclude(folder: Path, judgement: Judgement, dropped: Mapping[str, Sequence[CaseId]]) -> None:
    """Notes the verdicts, and what was dropped of which replicate. Raises UserError where that can't be written."""
    verdicts = {str(row.case): str(row.verdict) for row in judgement.rows}
    named = {name: [str(case) for case in cases] for name, cases in dropped.items()}
    with contextlib.suppress(OSError):
        for unfinished in folder.glob(".*.tmp"):  # of a process that was killed while it wrote
            unfinished.unlink()
    append_records(folder / RUN_JOURNAL, Verdicts(verdicts=verdicts, dropped=named, exit_code=int(judgement.exit_code)))


def is_incomplete(folder: Path) -> bool:
    """Whether a replicate has its journal still: something of it is left to measure, and the run isn't finished."""
    return any(file.name != RUN_JOURNAL for file in folder.glob(f"*{SUFFIX}"))


def find_unfinished(results: Path, named: Path | None) -> tuple[Path, Request]:
    """The run that is named, or the newest one below ``results`` that isn't finished, with what was asked for.

    Raises UserError where there is none, and where the code or the configuration isn't what it was.
    """
    if named is not None:
        request, is_finished = read_request(named)
        if is_finished:
            raise UserError(f"{named}: is finished; perfkit compare {named} judges it again")
        return named, _same_code(named, request)
    runs = results / RUNS
    for folder in sorted(runs.glob(f"*/{RUN_JOURNAL}"), reverse=True):
        with contextlib.suppress(UserError):  # one that can't be read is no reason to leave the others
            request, is_finished = read_request(folder.parent)
            if not is_finished:
                break
    else:
        raise UserError(f"{runs}: holds no unfinished run")
    return folder.parent, _same_code(folder.parent, request)


def identity_of_run(folder: Path) -> dict[str, str] | None:
    """What any replicate that has been begun was like; None where there is none."""
    for path in run_files(folder):
        with contextlib.suppress(UserError, ValidationError):
            return run_identity(RunRecord.model_validate(read_run_json(path).get("perfkit")))
    return None


def _same_code(folder: Path, request: Request) -> Request:
    if differing := differences(request.code, code_in(Path())):
        told = ", ".join(differing)
        raise UserError(f"{folder}: can't be gone on with, it was of other code: {told}; perfkit run measures anew")
    return request


def read_request(folder: Path) -> tuple[Request, bool]:
    """What was asked for of the run in this folder, and whether it is finished. Raises UserError."""
    found = [data for data in read_journal_lines(folder / RUN_JOURNAL) if data is not None]
    try:
        request = Request.model_validate(found[0] if found else None)
    except ValidationError:
        raise UserError(f"{folder / RUN_JOURNAL}: doesn't say what was asked for; measure anew") from None
    return request, any(data.get("kind") == "verdicts" for data in found)
