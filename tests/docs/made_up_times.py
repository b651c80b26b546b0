"""A pytest plugin for running the pages' commands in seconds: tests.faults.instant with the times of a quiet machine.

The example's backend of docs/tutorial.md, and with it every other variant, takes twice its time where its ``call``, as
the project's file has it, calls the module twice.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.catalog.case import CaseId, format_shape
from perfkit.plugin import state
from perfkit.record.baseline import load_baseline
from tests.faults import instant
from tests.support import CPU, case_record

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKEND = Path("src/perfkit_example/variants.py")
_SCATTER = (0.006, -0.016, 0.018, -0.008, 0.002, 0.012, -0.012)
"""By how much one process after another is off, as in life; always the same, for a test must not depend on chance."""
pytest_benchmark_generate_machine_info = pytest.hookimpl(instant.pytest_benchmark_generate_machine_info, tryfirst=True)
"""Before pytest-benchmark's own, which starts a process to ask the processor."""


def _measure(
    bench: Any, variant: Any, result: Any, shape: Any, pedantic: Callable[..., list[float]], _faults: object
) -> Any:
    case = CaseId(bench.plan.label, variant.name, format_shape(shape))
    step_s = 210e-6
    if variant.name != "eager-fp32":
        step_s = 130e-6 * (1 + _SCATTER[_process() % len(_SCATTER)]) * _calls()
    bench.workshop.clock.step_s = step_s
    rounds = 10
    times_s = pedantic(lambda: None, setup=lambda: None, teardown=lambda: None, rounds=rounds)
    facts = result.built.facts.model_copy(update={"engine_bytes": 1_000_000})
    return case_record(case, [210e-6] * rounds, list(times_s), hardware=CPU, facts=facts, weights="made up")


def _calls() -> int:
    return _BACKEND.read_text("utf-8").count("self._module(inputs)") if _BACKEND.exists() else 1


def _process() -> int:
    """How many processes have measured before this one, in the walk's own folder for temporary files."""
    count = Path(tempfile.gettempdir()) / "processes"
    number = int(count.read_text("ascii")) if count.exists() else 0
    count.write_text(str(number + 1), "ascii")
    return number


def _start(self: state.RunState, tell: Callable[[str], None]) -> None:
    instant._start(self, tell)
    assert self.hardware is not None
    self.baseline = load_baseline(self.options.baseline, hardware=self.hardware, results=self.results)


def pytest_configure(config: pytest.Config) -> None:
    instant.pytest_configure(config)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(state.RunState, "start", _start)
    sys.modules["perfkit.measure.case"].__dict__["measure_case"] = _measure
    instant.NAMES.extend(("torchscript-fp32", "openvino-fp32", "openvino-int8"))
