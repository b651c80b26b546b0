"""The conftest.py of projects whose cases are measured in milliseconds and without torch; all else is perfkit's own.

Plan, fixtures, journal, hooks, supervisor and locks are the real ones; models, variants and clocks are made up. Times
are the same in every run. A variant named for a fault does it in the case, ``load-`` and ``build-`` before it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.catalog.case import CaseId, format_shape
from perfkit.plugin import fixtures, state
from perfkit.record.facts import BuildFacts
from tests.support import CPU, case_record

if TYPE_CHECKING:
    from collections.abc import Callable

CONFTEST = "from tests.faults.instant import *\n"
CASE_S = "INSTANT_CASE_S"
"""How long the measuring of a case takes."""
ROUNDS = 5
SOFTWARE = {"torch": "made up"}
_NAMES = ["eager-fp32", *(f"variant-{number}" for number in range(10))]


def _hang() -> None:
    # As native code that waits for a device: no signal that Python handles gets through.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    ctypes.CDLL(None).pause()


def _hog() -> None:
    taken = []
    while True:
        taken.append(bytearray(50_000_000))
        time.sleep(0.05)


def _lose_device() -> None:
    """As an illegal access to the GPU's memory does: the case raises, and nothing works any more."""
    state.RunState.is_device_lost = lambda _: True  # type: ignore[assignment,method-assign]
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


ACTS: dict[str, Callable[[], object]] = {
    "segfaults": lambda: ctypes.string_at(0),
    "aborts": os.abort,
    "is-killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exits": lambda: os._exit(7),
    "hangs": _hang,
    "hogs": _hog,
    "loses-device": _lose_device,
    "sleeps": lambda: time.sleep(600),
}
NAMES = [*_NAMES, *(f"{when}{act}" for act in ACTS for when in ("", "build-"))]


class _Clock:
    """Each reading is a bit later than the one before; how much, the case says. Binary fractions: no rounding."""

    step_s = 2**-10
    _read_s = 0.0

    def now_s(self) -> float:
        self._read_s += self.step_s
        return self._read_s


class _Built:
    def __init__(self, label: str, variant: str) -> None:
        self.facts = BuildFacts(build_s=1.0, engines=1, notes=[f"{label} {variant}"])

    def close(self) -> None:
        pass


class _Bench:
    def __init__(self, workshop: Any, plan: Any, reference: Any) -> None:
        if (act := plan.label.removeprefix("load-")) in ACTS:
            ACTS[act]()
        self.workshop, self.plan = workshop, plan
        self.reference = self.build(reference)

    def build(self, variant: Any) -> Any:
        if (act := variant.name.removeprefix("build-")) != variant.name:
            ACTS[act]()
        _log(f"built {self.plan.label} {variant.name}")
        return SimpleNamespace(built=_Built(self.plan.label, variant.name))

    def close(self) -> None:
        pass


def _measure(
    bench: Any, variant: Any, result: Any, shape: Any, pedantic: Callable[..., list[float]], _faults: object
) -> Any:
    _log(f"measured {bench.plan.label} {variant.name} {format_shape(shape)}")
    time.sleep(float(os.environ.get(CASE_S, "0")))
    if variant.name in ACTS:
        ACTS[variant.name]()
    bench.workshop.clock.step_s = 2**-10 * (1 + len(variant.name) % 7)
    times_s = pedantic(lambda: None, setup=lambda: None, teardown=lambda: None, rounds=ROUNDS)
    return case_record(
        CaseId(bench.plan.label, variant.name, format_shape(shape)),
        [2e-3] * ROUNDS,
        list(times_s),
        hardware=CPU,
        facts=result.built.facts,
        weights="made up",
    )


def _start(self: state.RunState, tell: Callable[[str], None]) -> None:
    self.hardware, self.software = CPU, SOFTWARE
    self.lock_device(tell)
    clock = _Clock()
    self.workshop = SimpleNamespace(settings={"made_up": True}, clock=clock)  # type: ignore[assignment]


def _log(line: str) -> None:
    with Path("log.txt").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _module(name: str, **contents: object) -> None:
    module = ModuleType(name)
    vars(module).update(contents)
    sys.modules[name] = module


def pytest_benchmark_generate_machine_info() -> dict[str, Any]:
    return {"node": "made-up", "python_version": "3"}


def pytest_configure(config: pytest.Config) -> None:
    _module("perfkit.measure.bench", ModelBench=_Bench)
    _module("perfkit.measure.case", measure_case=_measure)
    _module("perfkit.measure.agreement", WrongAnswer=type("WrongAnswer", (Exception,), {}))
    _module("perfkit.variants.building", release=lambda: None)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(state.RunState, "start", _start)
    patch.setattr(state.RunState, "read_machine", lambda self, moment: self.machine_state.update({f"{moment}_load": 0}))
    patch.setattr(state, "known_names", lambda: NAMES)
    patch.setattr(state, "cuda_device_count", lambda: 0)
    patch.setattr(fixtures, "load_variant", lambda name: SimpleNamespace(name=name))
    patch.setattr(fixtures, "why_unavailable", lambda *_: None)
