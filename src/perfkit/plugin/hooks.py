"""The hooks: collect the plan's cases, keep count of how they end, judge at the end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pytest_benchmark.storage.file import FileStorage

from perfkit.catalog.case import CaseId
from perfkit.catalog.fault import FaultKind
from perfkit.errors import UserError
from perfkit.plugin.keys import BENCHMARK_PLUGIN, PROBLEM, PROGRESS, STATE
from perfkit.plugin.options import add_options
from perfkit.plugin.storage import AtomicStorage, JsonFile, NothingToSave

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from perfkit.plugin.state import RunState

_CASE = "perfkit_case"
_REFUSAL = "perfkit_refusal"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Perfkit's options, in a group of their own."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker of tests that need a GPU."""
    config.addinivalue_line("markers", "gpu: needs an NVIDIA GPU")
    config.pluginmanager.register(NothingToSave(), "perfkit-nothing-to-save")
    # A worker of xdist has another parent, and refuses to run.
    if (parent := config.option.perfkit_parent) is not None and not hasattr(config, "workerinput"):
        from perfkit.plugin.journal import end_with

        end_with(parent)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrizes every test that asks for ``perfkit_case`` over the plan."""
    if _CASE not in metafunc.fixturenames:
        return
    stash = metafunc.config.stash
    cases: tuple[CaseId, ...] = ()
    if STATE not in stash and PROBLEM not in stash:
        from perfkit.plugin.state import make_state

        try:
            stash[STATE] = make_state(metafunc.config)
        except UserError as error:
            stash[PROBLEM] = error
    if STATE in stash:
        cases = stash[STATE].plan.cases()
    # Plain strings, because pytest-benchmark stores parameters in its file; the same objects for all cases of a
    # model, because pytest keeps a session fixture alive as long as its parameter stays the same.
    metafunc.parametrize(
        ("perfkit_model", "perfkit_variant", "perfkit_shape"),
        [pytest.param(*case, id="-".join(case), marks=_benchmark_mark(stash[STATE], case)) for case in cases],
        indirect=True,
        scope="session",
    )


def _benchmark_mark(state: RunState, case: CaseId) -> pytest.MarkDecorator:
    return pytest.mark.benchmark(group=f"{case.model} {case.shape}", timer=state.synchronized_timer, disable_gc=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Says what is wrong with the request, and puts the cases into the plan's order."""
    problem = config.stash.get(PROBLEM, None)
    has_cases = any(_case_of(item) for item in items)
    if problem is None and has_cases and hasattr(config, "workerinput"):
        problem = UserError("benchmarks can't run under xdist (-n): cases would contend")
    if problem is not None:
        _refuse(config, items, problem)
        return
    if not has_cases:
        return
    from perfkit.plugin.progress import Progress

    _keep_asked_for(config, items)
    state = config.stash[STATE]
    _restore_plan_order(state, items)
    if state.options.journal is not None and not config.option.collectonly:
        _leave_out_ended(state, state.options.journal, items)
    config.stash[PROGRESS] = Progress(config, sum(_case_of(item) is not None for item in items))


def _keep_asked_for(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the cases that --perfkit-case doesn't name or that are to vanish.

    Tests that are no cases stay; of several shards the first one runs them.
    """
    options = config.stash[STATE].options
    vanish = [fault.case for fault in options.faults if fault.kind is FaultKind.VANISH]

    def is_other(case: CaseId | None) -> bool:
        if case is None:
            return options.shard is not None and options.shard.number > 1
        return case in vanish or bool(options.cases and str(case) not in options.cases)

    others = [item for item in items if is_other(_case_of(item))]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def _leave_out_ended(state: RunState, journal: Path, items: list[pytest.Item]) -> None:
    """What an earlier process of the replicate has done isn't done again."""
    from perfkit.plugin.journal import Keeper, plan_of

    try:
        state.keeper = Keeper(journal)
    except UserError as error:
        raise pytest.UsageError(f"perfkit: {error}") from None
    left = state.keeper.choose(plan_of(items, [_case_of(item) for item in items]))
    items[:] = [item for item in items if item.nodeid in left]


def _refuse(config: pytest.Config, items: list[pytest.Item], problem: UserError) -> None:
    """Ends the run with one line and exit code 4; a worker of xdist leaves that to its controller."""
    if not hasattr(config, "workerinput"):
        raise pytest.UsageError(f"perfkit: {problem}")
    config.workeroutput[_REFUSAL] = str(problem)  # type: ignore[attr-defined] # xdist's own channel
    items.clear()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In xdist's controller: a worker has ended, perhaps because it refused to run."""
    refusal = getattr(node, "workeroutput", {}).get(_REFUSAL)
    if refusal is not None:
        raise pytest.UsageError(f"perfkit: {refusal}")


def _restore_plan_order(state: RunState, items: list[pytest.Item]) -> None:
    """Model by model, variant by variant.

    pytest has sorted tests by shared parameters, shapes included, which would load every model several times.
    """
    rank = {case: index for index, case in enumerate(state.plan.cases())}
    places = [index for index, item in enumerate(items) if _case_of(item) is not None]
    ordered = sorted((items[index] for index in places), key=lambda item: rank[_known_case(item)])
    for index, item in zip(places, ordered, strict=True):
        items[index] = item


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """A case left out by -k or -m is not forgotten: it was planned and not run."""
    for item in items:
        case, state = _case_of(item), item.config.stash.get(STATE, None)
        if case is not None and state is not None:  # there is none where the request itself is wrong
            from perfkit.record.schema import Status

            state.note(case, Status.NOT_RUN, "deselected")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Before the first case: what is wrong with the request is said now, not after hours."""
    state = session.config.stash.get(STATE, None)
    if state is None or session.config.option.collectonly:
        return
    # With a journal, other tests may be all that is left of the plan.
    if state.keeper is None and not any(_case_of(item) for item in session.items):
        return
    benchmark_plugin = session.config.pluginmanager.get_plugin(BENCHMARK_PLUGIN)
    if benchmark_plugin is not None and benchmark_plugin.skip:
        return
    if benchmark_plugin is not None and isinstance(benchmark_plugin.storage, FileStorage):
        benchmark_plugin.storage = AtomicStorage(benchmark_plugin.storage)
    if benchmark_plugin is not None and state.keeper is not None:
        benchmark_plugin.json = None  # the file is written from the journal, and atomically
    else:
        state.json_file = JsonFile()
        session.config.pluginmanager.register(state.json_file, "perfkit-json-file")
    try:
        state.start(partial(_tell, session.config))
        if state.keeper is not None:
            state.keeper.begin(session.config, state.run_record())
    except UserError as error:
        raise pytest.UsageError(f"perfkit: {error}") from None


def _tell(config: pytest.Config, line: str) -> None:
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"perfkit: {line}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Into the journal: a test begins that is no case. What is done for a case is said where it is done."""
    state = item.config.stash.get(STATE, None)
    if state is not None and _case_of(item) is None:
        state.doing(test=item.nodeid)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Notes how a case ended, and prints its line."""
    report: pytest.TestReport = yield
    case = _case_of(item)
    is_end = call.when == "call" or report.outcome != "passed"
    if case is not None and is_end:
        from perfkit.plugin.progress import detail
        from perfkit.record.schema import Status

        state = item.config.stash[STATE]
        if report.skipped and isinstance(report.longrepr, tuple):
            state.note(case, Status.SKIPPED, report.longrepr[2].removeprefix("Skipped: "))
        elif report.failed and call.excinfo is not None:
            state.note(case, Status.BROKEN, call.excinfo.exconly().splitlines()[0])
        elif report.passed and case not in state.outcomes:
            state.note(case, Status.NOT_RUN, "its test ended without having it measured")
        report.user_properties.append((_CASE, str(case)))
        benchmark = getattr(item, "funcargs", {}).get("benchmark")
        item.config.stash[PROGRESS].case_ended(
            case, state.outcomes.get(case), detail(state.outcomes.get(case), benchmark)
        )
    if is_end:
        _write_down(item, case, report)
    elif call.when == "teardown":
        _forget(item)
    return report


def _write_down(item: pytest.Item, case: CaseId | None, report: pytest.TestReport) -> None:
    """Into the journal, where there is one; then a process that has lost its GPU makes room for another one."""
    state = item.config.stash.get(STATE, None)
    if state is None or state.keeper is None:
        return
    state.keeper.ended(item, None if case is None else state.outcomes.get(case))
    if report.failed and state.is_device_lost():
        state.keeper.give_up()


def _forget(item: pytest.Item) -> None:
    state = item.config.stash.get(STATE, None)
    if state is not None and state.keeper is not None:
        state.keeper.forget(item)


def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    """A case that ended has a line of its own instead of a dot."""
    if isinstance(report, pytest.TestReport) and PROGRESS in config.stash:
        properties = dict(report.user_properties)
        if _CASE in properties and report.passed and config.get_verbosity() == 0:
            return report.outcome, "", "PASSED"
    return None


def _known_case(item: pytest.Item) -> CaseId:
    case = _case_of(item)
    assert case is not None
    return case


def _case_of(item: pytest.Item) -> CaseId | None:
    if _CASE not in getattr(item, "fixturenames", ()) or not hasattr(item, "callspec"):
        return None
    params = item.callspec.params
    return CaseId(params["perfkit_model"], params["perfkit_variant"], params["perfkit_shape"])
