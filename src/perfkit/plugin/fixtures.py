"""Fixtures: a model is loaded once, a variant built once, both shared by the shapes and freed before the next."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.catalog.case import REFERENCE_VARIANT, CaseId, parse_shape
from perfkit.catalog.fault import FaultKind
from perfkit.errors import reason_of
from perfkit.garbage import only_new_collected
from perfkit.measure.spent import Work
from perfkit.plugin.keys import PROGRESS, STATE
from perfkit.variants.base import Variant, VariantBroken
from perfkit.variants.registry import load_variant, why_unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_benchmark.fixture import BenchmarkFixture

    from perfkit.measure.bench import ModelBench
    from perfkit.plugin.state import RunState
    from perfkit.record.schema import CaseRecord
    from perfkit.variants.building import BuildResult


class BrokenCase(Exception):
    """The case failed before it could be measured; the message is the reason in one line."""


def _let_go(error: BaseException | None) -> None:
    """The traceback is shown, but its frames would keep models, pictures and graphs on the device."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


@dataclass
class Broken:
    """What stands in the place of a model or variant that could not be made."""

    reason: str
    error: Exception

    def __post_init__(self) -> None:
        _let_go(self.error)


@dataclass
class VariantBench:
    """A variant and what was built of it."""

    variant: Variant
    result: BuildResult | Broken


@pytest.fixture(scope="session")
def perfkit_model(request: pytest.FixtureRequest) -> Iterator[ModelBench | Broken]:
    """The model of the case with its reference; all shapes and variants of the model share it."""
    from perfkit.measure.bench import ModelBench
    from perfkit.variants.building import release

    state, label = request.config.stash[STATE], request.param
    assert state.workshop is not None
    state.doing(label)
    with only_new_collected():
        with request.config.stash[PROGRESS].activity(f"loading {label}"), state.spent.on(Work.LOADING):
            try:
                bench: ModelBench | Broken = ModelBench(
                    state.workshop, state.plan.model(label), load_variant(REFERENCE_VARIANT)
                )
            except Exception as error:  # a model that can't be built breaks its own cases, not the run
                bench = Broken(f"{label} or its reference can't be built: {reason_of(error)}", error)
        if isinstance(bench, Broken):
            state.built(label, reason=bench.reason)
        else:
            state.built(label, facts=bench.reference.built.facts)
        yield bench
        if isinstance(bench, ModelBench):
            bench.close()
        release()


@pytest.fixture(scope="session")
def perfkit_variant(request: pytest.FixtureRequest, perfkit_model: ModelBench | Broken) -> Iterator[VariantBench]:
    """The built variant of the case; all shapes share it. Skips where this machine can't run it."""
    from perfkit.variants.building import release

    state = request.config.stash[STATE]
    variant = load_variant(request.param)
    with state.spent.on(Work.STARTING):
        reason = why_unavailable(variant, state.plan.platform)
    if reason is not None:
        pytest.skip(reason)
    if isinstance(perfkit_model, Broken):
        yield VariantBench(variant, perfkit_model)
        return
    label = perfkit_model.plan.label
    state.doing(label, variant.name)
    with request.config.stash[PROGRESS].activity(f"building {label} {variant.name}"), state.spent.on(Work.BUILDING):
        try:
            result: BuildResult | Broken = perfkit_model.build(variant)
        except VariantBroken as error:
            result = Broken(str(error), error)
        except Exception as error:  # backends raise anything; the case is broken and the run goes on
            result = Broken(f"build failed: {reason_of(error)}", error)
    if isinstance(result, Broken):
        state.built(label, variant.name, reason=result.reason)
    else:
        state.built(label, variant.name, facts=result.built.facts)
    yield VariantBench(variant, result)
    if not isinstance(result, Broken):
        result.built.close()
        del result
    release()


@pytest.fixture(scope="session")
def perfkit_shape(request: pytest.FixtureRequest) -> str:
    """The concrete shape of the case, as text: 1x3x224x224."""
    shape: str = request.param
    return shape


@dataclass
class Case:
    """One case, ready to be measured."""

    id: CaseId
    state: RunState
    bench: ModelBench | Broken
    variant: VariantBench
    activity: Callable[[str], Any]
    error: Exception | None = None
    """Why it is broken, once it is."""

    def measure(self, benchmark: BenchmarkFixture) -> None:
        """Checks the answers, measures paired rounds and leaves the record in ``benchmark.extra_info``.

        The variant's synchronized wall times are pytest-benchmark's own. Raises BrokenCase when the variant can't
        be built or called, answers wrongly, or yields times that are no times.
        """
        from perfkit.record.schema import Status

        self.state.doing(*self.id)
        try:
            with self.activity(f"measuring {self.id}"):
                self._measure(benchmark)
        except Exception as error:
            reason = str(error) if isinstance(error, BrokenCase) else reason_of(error)
            self.state.note(self.id, Status.BROKEN, reason)
            # Its fixture must be used in each test, or pytest-benchmark warns and saves no file at all: the error of a
            # case that never came to it is raised inside. What has an error is left out of the file.
            if benchmark.stats is None and not benchmark.has_error:
                benchmark.pedantic(_raiser(error))
            benchmark.has_error = True
            self.error = error
            raise
        except KeyboardInterrupt:
            # Or pytest-benchmark warns that it wasn't used, and where warnings are errors Ctrl-C ends in a traceback.
            benchmark.skipped = True
            raise
        self.state.note(self.id, Status.MEASURED)

    def _measure(self, benchmark: BenchmarkFixture) -> None:
        from perfkit.measure.agreement import WrongAnswer
        from perfkit.measure.case import measure_case

        built = self.variant.result
        if isinstance(built, Broken):
            raise BrokenCase(built.reason) from built.error
        assert not isinstance(self.bench, Broken)  # its variants are Broken too

        def pedantic(
            target: Callable[..., Any],
            *,
            setup: Callable[[], Any],
            teardown: Callable[..., Any],
            rounds: int,
        ) -> Sequence[float]:
            benchmark.pedantic(target, setup=setup, teardown=teardown, rounds=rounds)
            if benchmark.stats is None:  # --benchmark-disable
                return []
            times_s: list[float] = benchmark.stats.stats.data
            wrong = [time_s for time_s in times_s if not time_s > 0]
            if wrong:
                raise BrokenCase(f"{len(wrong)} of {len(times_s)} times are not positive: {wrong[0]} s")
            return times_s

        faults = [fault for fault in self.state.options.faults if fault.case == self.id]
        is_fault = any(fault.kind is FaultKind.FP32_ENGINE for fault in faults)
        record, wrong = None, None
        try:
            if is_fault:  # of this case alone: the variant's other shapes keep what was built for them
                with self.state.spent.on(Work.BUILDING):
                    built = self.bench.build_in_float32(self.variant.variant)
            record = measure_case(self.bench, self.variant.variant, built, parse_shape(self.id.shape), pedantic, faults)
        except (WrongAnswer, VariantBroken) as error:
            wrong = str(error)
        finally:
            if is_fault and built is not self.variant.result:
                built.built.close()
        # Not inside: the interpreter keeps the last error, and would keep the measuring's pictures on the device.
        if wrong is not None:
            raise BrokenCase(wrong)
        if record is not None:
            self._keep(record, benchmark)

    def _keep(self, record: CaseRecord, benchmark: BenchmarkFixture) -> None:
        if self.state.keeper is not None:
            record = record.model_copy(update={"process": self.state.keeper.process})
        benchmark.extra_info.update(
            model=self.id.model,
            variant=self.id.variant,
            shape=self.id.shape,
            platform=str(record.platform),
            weights=record.comparability.weights,
            perfkit=record.model_dump(mode="json"),
        )


@pytest.fixture
def perfkit_case(
    request: pytest.FixtureRequest,
    perfkit_model: ModelBench | Broken,
    perfkit_variant: VariantBench,
    perfkit_shape: str,
) -> Iterator[Case]:
    """One case of the plan: model × variant × shape."""
    config = request.config
    params = request.node.callspec.params
    case = CaseId(params["perfkit_model"], params["perfkit_variant"], perfkit_shape)
    found = Case(case, config.stash[STATE], perfkit_model, perfkit_variant, config.stash[PROGRESS].activity)
    yield found
    _let_go(found.error)  # only now: --pdb and --showlocals have had their look


def _raiser(error: Exception) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it
