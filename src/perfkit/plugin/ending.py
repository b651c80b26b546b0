"""How a session ends: what is saved of it, the judgement, and the table."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.plugin.keys import BENCHMARK_PLUGIN, STATE

if TYPE_CHECKING:
    from collections.abc import Generator

    from perfkit.plugin.state import RunState


@pytest.hookimpl(optionalhook=True, tryfirst=True)  # what others change is changed in all that the file will hold
def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """The run's own record, with every planned case, into the file that is saved."""
    state = config.stash.get(STATE, None)
    if state is not None and state.started and state.keeper is not None:
        whole = state.keeper.whole()
        output_json.update(benchmarks=whole["benchmarks"], perfkit=whole["perfkit"])
    elif state is not None and state.started:
        # Hardware and software stand here, not in machine_info: pytest-benchmark reads that before torch is imported,
        # and --benchmark-compare would warn of a difference to the file that is none.
        state.end()
        output_json["perfkit"] = state.run_record().model_dump(mode="json")
        state.saved_run = output_json


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Judges the run, and adds it to the history if it is saved. pytest-benchmark has done so by now."""
    state = session.config.stash.get(STATE, None)
    if state is None:
        return
    if not state.started:
        state.finish()  # what it held when it couldn't be started
        return
    from perfkit.history.keep import keep
    from perfkit.judge.compare import judge
    from perfkit.judge.limits import Limits
    from perfkit.plugin.reports import write_reports
    from perfkit.record.read import run_from_json

    try:
        if state.json_file is not None:
            state.json_file.save(session.config)
        is_saved = state.saved_run is not None
        data = _journaled_run(state, session) if state.keeper else state.saved_run or _unsaved_run(session.config)
    except UserError as error:
        pytest.exit(f"perfkit: the run isn't saved: {error}", returncode=ExitCode.USAGE)
    finally:
        state.finish()
    if data is None or (state.keeper is not None and state.keeper.is_part):
        return
    run = run_from_json(data, "this run")
    state.judgement = judge(state.baseline, [run], Limits.of(state.config), state.waivers)
    state.written = write_reports(state, state.judgement, run, data)
    if is_saved:
        state.history_warning = keep([run], state.judgement, state.results)
    # With no comparison asked for, pytest's own exit code stands: it knows the cases that are broken.
    if session.exitstatus == pytest.ExitCode.OK and state.options.baseline != "none":
        session.exitstatus = int(state.judgement.exit_code)


def _journaled_run(state: RunState, session: pytest.Session) -> dict[str, Any] | None:
    """The replicate, saved beside its journal; None where the session was broken off, for it may be gone on with."""
    if state.keeper is None or session.exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        return None
    state.end()
    ends = {name: value for name, value in state.machine_state.items() if name.startswith("end_")}
    return state.keeper.finish(session.config, ends, state.spent_s)


def _unsaved_run(config: pytest.Config) -> dict[str, Any] | None:
    """What the file would hold, when the user saves none."""
    plugin = config.pluginmanager.get_plugin(BENCHMARK_PLUGIN)
    if plugin is None or plugin.disabled or plugin.skip:
        return None
    from perfkit.plugin.storage import generated_json

    data = generated_json(config, with_times=False)
    pytest_benchmark_update_json(config, data)
    return data


@pytest.hookimpl(wrapper=True, trylast=True)  # the verdicts come last, below all other tables
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Prints the judgement below pytest-benchmark's own table, and where --benchmark-compare-fail raises below that."""
    try:
        yield
    finally:
        _print_judgement(terminalreporter, config)


def _print_judgement(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    state = config.stash.get(STATE, None)
    if state is None or state.judgement is None:
        return
    from perfkit.report.spent import spent_line
    from perfkit.report.terminal import render

    terminalreporter.section("perfkit")
    terminalreporter.write_line(
        render(
            state.judgement,
            width=shutil.get_terminal_size().columns,
            color=terminalreporter.hasmarkup,
            verbosity=config.get_verbosity(),
        )
    )
    if (line := spent_line(state.spent_s)) is not None:
        terminalreporter.write_line(line)
    for line in state.written:
        terminalreporter.write_line(line)
    if state.history_warning is not None:
        terminalreporter.write_line(f"perfkit: {state.history_warning}", yellow=True)
