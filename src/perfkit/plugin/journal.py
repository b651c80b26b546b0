"""The session's side of the journal: what begins and ends is written down at once.

Only processes of ``perfkit run`` keep one; in any other session there is none, and nothing here runs.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.plugin.keys import BENCHMARK_PLUGIN
from perfkit.record.journal import (
    LOST_DEVICE,
    Built,
    Doing,
    Ended,
    Finished,
    PlannedTest,
    Session,
    differences,
    read_journal,
    run_identity,
    run_json,
)
from perfkit.record.journal_file import JournalFile
from perfkit.record.write import write_run_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from perfkit.catalog.case import CaseId
    from perfkit.record.facts import BuildFacts
    from perfkit.record.schema import Outcome, RunRecord

_PR_SET_PDEATHSIG = 1


class Keeper:
    """Writes the journal of this session."""

    def __init__(self, path: Path) -> None:
        """Reads what earlier processes of the replicate have written. Raises UserError where that is impossible."""
        self._path = path
        self._known = read_journal(path) if path.exists() else None
        self._file = JournalFile(path)
        self._plan: list[PlannedTest] = []
        self.process = 1 + (len(self._known.sessions) if self._known is not None else 0)
        """Which of the replicate's processes this is, from 1."""

    @property
    def is_part(self) -> bool:
        """Whether other devices measure the rest of the replicate: what is missing here isn't missing."""
        return self._known is not None and self._known.expected.tests is not None

    def choose(self, planned: Sequence[PlannedTest]) -> set[str]:
        """The node ids of the tests that are left of the plan."""
        self._plan = list(planned)
        return {each.test for each in (planned if self._known is None else self._known.left_of(planned))}

    def sign_of_life(self) -> None:
        """Says that the session waits for another one and doesn't hang."""
        self._file.sign_of_life()

    def begin(self, config: pytest.Config, run: RunRecord) -> None:
        """Before the first case.

        Raises UserError where this isn't the same plan on the same machine with the same software as before.
        """
        if self._known is not None:
            sessions = self._known.sessions
            before = run_identity(sessions[0].run) if sessions else self._known.expected.identity
            if before is not None and (differing := differences(before, run_identity(run))):
                raise UserError(f"{self._path}: can't be gone on with, it isn't the same run: {', '.join(differing)}")
        plugin = config.pluginmanager.get_plugin(BENCHMARK_PLUGIN)
        assert plugin is not None
        commit_info = config.hook.pytest_benchmark_generate_commit_info(config=config)
        config.hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
        skeleton = _generated(config, [], plugin.get_machine_info(), commit_info)
        self._append(Session(skeleton=skeleton, run=run, tests=self._plan))

    def doing(self, model: str = "", variant: str = "", shape: str = "", test: str = "") -> None:
        """What begins now, and is to blame if this process dies before anything else is said."""
        self._append(Doing(model=model, variant=variant, shape=shape, test=test))

    def built(self, model: str, variant: str = "", facts: BuildFacts | None = None, reason: str = "") -> None:
        """A model, or a variant of it, is there or can't be had."""
        self._append(Built(model=model, variant=variant, facts=facts, reason=reason))

    def ended(self, item: pytest.Item, outcome: Outcome | None) -> None:
        """A test is done."""
        benchmark = getattr(item, "funcargs", {}).get("benchmark")
        entries = []
        if benchmark is not None and benchmark.stats is not None:
            # A case's record has its rounds; the time of every call beside them would be most of the file.
            is_case = "perfkit" in benchmark.extra_info
            entries = _generated(item.config, [benchmark.stats], {}, {}, with_times=not is_case)["benchmarks"]
        # Tests of others have any objects in their params, and NaN among their times: as text, it is judged as no time.
        text = json.dumps(entries, default=repr, skipkeys=True)
        entry = next(iter(json.loads(text, parse_constant=str)), None)
        self._append(Ended(test=item.nodeid, outcome=outcome, entry=entry))

    def forget(self, item: pytest.Item) -> None:
        """What of a test that is over the journal holds, and nobody asks this process for any more."""
        benchmark = getattr(item, "funcargs", {}).get("benchmark")
        if benchmark is not None:
            benchmark.extra_info.pop("perfkit", None)  # in a night of thousands of cases it fills the memory

    def give_up(self) -> NoReturn:
        """Ends this process at once: it can measure nothing more, and another one goes on."""
        self.close()
        os._exit(LOST_DEVICE)

    def whole(self) -> dict[str, Any]:
        """What pytest-benchmark's file is to hold: of this session and of those before it."""
        return run_json(read_journal(self._path), is_finished=True)

    def finish(
        self, config: pytest.Config, machine_state: dict[str, Any], spent_s: Mapping[str, float]
    ) -> dict[str, Any]:
        """Saves the replicate beside its journal; returns what the file holds.

        Raises UserError where it can't be written.
        """
        self._append(Finished(machine_state=machine_state, spent_s=dict(spent_s)))
        data = self.whole()
        plugin = config.pluginmanager.get_plugin(BENCHMARK_PLUGIN)
        assert plugin is not None
        config.hook.pytest_benchmark_update_json(config=config, benchmarks=plugin.benchmarks, output_json=data)
        write_run_json(self._path.with_suffix(".json"), data)
        return data

    def close(self) -> None:
        self._file.close()

    def _append(self, record: Session | Doing | Built | Ended | Finished) -> None:
        try:
            self._file.append(record.model_dump(mode="json"))
        except UserError as error:
            # Not an exception of the case's: nothing more can be kept, so nothing more is measured.
            pytest.exit(f"perfkit: {error}", returncode=ExitCode.USAGE)


def plan_of(items: Sequence[pytest.Item], cases: Sequence[CaseId | None]) -> list[PlannedTest]:
    """The items with the cases that they measure."""
    return [PlannedTest(test=item.nodeid, case=case) for item, case in zip(items, cases, strict=True)]


def end_with(parent: int) -> None:
    """Ends this process with the one that supervises it, even one in which native code alone still runs (Linux)."""
    # The supervisor asks by SIGINT, which a shell has all ignore that it starts in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before
        os.kill(os.getpid(), signal.SIGKILL)


def _generated(
    config: pytest.Config,
    benchmarks: list[Any],
    machine_info: dict[str, Any],
    commit_info: dict[str, Any],
    *,
    with_times: bool = False,
) -> dict[str, Any]:
    data: dict[str, Any] = config.hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=benchmarks,
        include_data=with_times,
        machine_info=machine_info,
        commit_info=commit_info,
    )
    return data
